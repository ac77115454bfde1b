package dev.gaur.verify.graph;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gaur.block.BlockException;
import dev.gaur.block.Durability;
import dev.gaur.block.StorageNode;
import dev.gaur.format.CheckListener;
import dev.gaur.format.RepairMode;
import dev.gaur.graph.BlockDevice;
import dev.gaur.graph.ChainOpener;
import dev.gaur.graph.OpenCheck;
import dev.gaur.graph.OpenRequest;
import dev.gaur.storage.file.FileDriver;
import dev.gaur.verify.Peers;
import java.io.BufferedReader;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Gaur's locks and those of a running QEMU process keep each other out, both ways. */
class LockTest {
    private static final OpenRequest READ = OpenRequest.READ;

    @TempDir Path folder = Path.of("");

    /** A qemu-io that has an image open until it is closed. */
    private static final class Holder implements AutoCloseable {
        private final Process process;

        Holder(String... arguments) throws IOException {
            process =
                    new ProcessBuilder(
                                    Stream.concat(Stream.of("qemu-io"), Stream.of(arguments))
                                            .toList())
                            .redirectErrorStream(true)
                            .start();
            process.getOutputStream().write("length\n".getBytes(StandardCharsets.UTF_8));
            process.getOutputStream().flush();
            BufferedReader output = process.inputReader();
            String line = output.readLine();
            if (line == null || !line.contains("1 MiB")) {
                throw new AssertionError("qemu-io does not hold the image: " + line);
            }
        }

        long pid() {
            return process.pid();
        }

        @Override
        public void close() throws IOException {
            process.getOutputStream().close();
            process.onExit().join();
        }
    }

    private String image(String format) {
        Path path = folder.resolve("image." + format);
        Peers.qemuImg("create", "-q", "-f", format, path, "1M").ok();
        return path.toString();
    }

    /** Something to be closed. */
    private interface Opened extends AutoCloseable {
        @Override
        void close();
    }

    /** Opens with system calls, and through Java's channels. */
    private interface Opener {
        Opened open(String path, OpenRequest request);
    }

    static List<Arguments> openers() {
        Opener all = (path, request) -> ChainOpener.open(path, request)::close;
        Opener alone = (path, request) -> ChainOpener.openAlone(path, request)::close;
        return List.of(Arguments.of("open", all), Arguments.of("openAlone", alone));
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("openers")
    void aQcow2ImageThatQemuWritesIsBusyAndTheProcessIsNamed(String name, Opener opener)
            throws Exception {
        String image = image("qcow2");
        try (Holder holder = new Holder("-f", "qcow2", image)) {
            BlockException.Busy busy =
                    assertThrows(BlockException.Busy.class, () -> opener.open(image, READ), name);
            assertEquals(
                    "Failed to get shared \"write\" lock\nIs another process using the image ["
                            + image
                            + "]? Process "
                            + holder.pid()
                            + " (qemu-io) is.",
                    busy.found());
            opener.open(image, READ.withShared(true)).close();
        }
        opener.open(image, READ).close();
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("openers")
    void whatQemuOnlyReadsCanBeRead(String name, Opener opener) throws Exception {
        String image = image("qcow2");
        try (Holder _ = new Holder("-r", "-f", "qcow2", image)) {
            opener.open(image, READ).close();
        }
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("openers")
    void aRawDiskThatQemuWritesCanBeReadAsQemuItselfDoes(String name, Opener opener)
            throws Exception {
        String image = image("raw");
        try (Holder _ = new Holder("-f", "raw", image)) {
            opener.open(image, READ.withFormat("raw")).close();
        }
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("openers")
    void qemuMayReadButNotWriteWhatGaurReads(String name, Opener opener) throws Exception {
        String image = image("qcow2");
        try (Opened _ = opener.open(image, READ)) {
            Peers.Result writing = Peers.run("qemu-io", "-f", "qcow2", "-c", "length", image);
            assertTrue(
                    writing.exited(1).err().contains("Failed to get \"write\" lock"),
                    name + writing);
            Peers.run("qemu-io", "-r", "-f", "qcow2", "-c", "length", image).ok();
        }
        Peers.run("qemu-io", "-f", "qcow2", "-c", "length", image).ok();
    }

    /** What waits in Gaur's memory is Gaur's alone; nobody else writes meanwhile. */
    @Test
    void whileWritesWaitNobodyElseHasTheImage() {
        String image = image("qcow2");
        OpenRequest write = READ.withWritable(true);
        try (BlockDevice disk = ChainOpener.open(image, write)) {
            MemorySegment piece = MemorySegment.ofArray(new byte[4096]).fill((byte) 7);
            disk.write(0, piece, Durability.CACHED);
            assertTrue(disk.image().cowUse().orElseThrow().bytes() > 0);
            assertThrows(BlockException.Busy.class, () -> ChainOpener.open(image, write).close());
            assertThrows(BlockException.Busy.class, () -> ChainOpener.open(image, READ).close());
            for (String mode : List.of("-r", "-n")) {
                Peers.Result theirs =
                        Peers.run("qemu-io", mode, "-f", "qcow2", "-c", "length", image);
                assertTrue(theirs.exited(1).err().contains("lock"), theirs::toString);
            }
            String old = "read -P 0 0 4096"; // All that the file has.
            Peers.run("qemu-io", "-r", "-U", "-f", "qcow2", "-c", old, image).ok();
        }
        Peers.Result now =
                Peers.run("qemu-io", "-r", "-f", "qcow2", "-c", "read -P 7 0 4096", image).ok();
        assertFalse(now.out().contains("failed"), now::toString);
        Peers.qemuImg("check", image).ok();
    }

    @Test
    void anImageThatIsRepairedIsNobodyElses() throws Exception {
        String image = image("qcow2");
        for (String mode : List.of("-r", "-n")) { // -n is nothing special: QEMU writes then.
            try (Holder holder = new Holder(mode, "-f", "qcow2", image)) {
                BlockException.Busy busy =
                        assertThrows(
                                BlockException.Busy.class,
                                () -> OpenCheck.openForRepair(image, READ).close());
                assertTrue(busy.found().contains(holder.pid() + " (qemu-io)"), busy.found());
            }
        }
        try (OpenCheck check = OpenCheck.openForRepair(image, READ)) {
            Peers.Result reading = Peers.run("qemu-io", "-r", "-f", "qcow2", "-c", "length", image);
            assertTrue(reading.exited(1).err().contains("lock"), reading::toString);
            assertTrue(check.repair(RepairMode.ALL, CheckListener.NONE).isClean());
        }
        Peers.run("qemu-io", "-f", "qcow2", "-c", "length", image).ok();
    }

    @Test
    void anImageThatGaurCreatesIsBusyForQemu() {
        String image = folder.resolve("new.raw").toString();
        for (FileDriver driver : List.of(FileDriver.fast(), FileDriver.portable())) {
            try (StorageNode storage = driver.create(image, 1 << 20)) {
                Peers.Result info =
                        Peers.run("qemu-io", "-f", "raw", "-c", "length", image).exited(1);
                assertTrue(info.err().contains("lock"), storage.name() + info);
            }
        }
    }

    @Test
    void anImageThatQemuHasOpenIsNotCreatedAnew() throws Exception {
        String image = image("qcow2");
        try (Holder holder = new Holder("-r", "-f", "qcow2", image)) {
            for (FileDriver driver : List.of(FileDriver.fast(), FileDriver.portable())) {
                BlockException.Busy busy =
                        assertThrows(BlockException.Busy.class, () -> driver.create(image, 0));
                assertTrue(busy.found().contains(holder.pid() + " (qemu-io)"), busy.found());
            }
        }
        try (BlockDevice device = ChainOpener.open(image, READ)) {
            assertEquals(1 << 20, device.length());
        }
    }
}
