package dev.gaur.verify.engine;

import dev.gaur.testkit.DiskModel;
import dev.gaur.verify.Peers;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;

/** QEMU's word on an image that a test exported into a folder. */
final class Qemu {
    private static final int SECTOR = 512;

    private static final int LEAKS = 3;

    private Qemu() {}

    /** Fails if {@code qemu-img check} finds anything wrong. */
    static void assertClean(Path folder) {
        Peers.qemuImgIn(folder, "check", "-f", "qcow2", TestImage.FILE).ok();
    }

    /** Fails if {@code qemu-img check} finds anything worse than lost space. */
    static void assertIntact(Path folder) {
        Peers.Result result = Peers.qemuImgIn(folder, "check", "-f", "qcow2", TestImage.FILE);
        if (result.status() != LEAKS) {
            result.ok();
        }
    }

    /** Lets QEMU repair what a crash may leave where counts are written late. */
    static void repair(Path folder) {
        Peers.qemuImgIn(folder, "check", "-r", "all", "-f", "qcow2", TestImage.FILE).ok();
    }

    /** Fails unless {@code qemu-img compare} sees these bytes. */
    static void assertReads(Path folder, byte[] expected) {
        try {
            Files.write(folder.resolve("expected.raw"), expected);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        Object[] command = {"compare", "-f", "qcow2", "-F", "raw", TestImage.FILE, "expected.raw"};
        Peers.qemuImgIn(folder, command).ok();
    }

    /** Fails unless QEMU reads a snapshot as the model has it. */
    static void assertSnapshot(Path folder, DiskModel.Snapshot snapshot) {
        Peers.qemuImgIn(
                        folder,
                        "convert",
                        "-f",
                        "qcow2",
                        "-O",
                        "raw",
                        "-l",
                        "snapshot.name=" + snapshot.name(),
                        TestImage.FILE,
                        "snapshot.raw")
                .ok();
        try {
            byte[] found = Files.readAllBytes(folder.resolve("snapshot.raw"));
            List<List<byte[]>> sectors = snapshot.sectors();
            int size = Math.min(found.length, sectors.size() * SECTOR);
            for (int at = 0; at < size; at += SECTOR) {
                byte[] bytes = Arrays.copyOfRange(found, at, at + SECTOR);
                if (sectors.get(at / SECTOR).stream().noneMatch(x -> Arrays.equals(x, bytes))) {
                    throw new AssertionError(
                            "QEMU reads another snapshot " + snapshot.name() + " at " + at);
                }
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
