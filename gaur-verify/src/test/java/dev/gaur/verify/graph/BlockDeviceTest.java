package dev.gaur.verify.graph;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gaur.DiskImage;
import dev.gaur.Gaur;
import dev.gaur.OpenOptions;
import dev.gaur.block.BlockException;
import dev.gaur.block.Durability;
import dev.gaur.block.StorageNode;
import dev.gaur.cli.Cli;
import dev.gaur.storage.StorageOptions;
import dev.gaur.storage.file.FileDriver;
import dev.gaur.verify.Peers;
import dev.gaur.verify.zoo.ImageZoo;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestReporter;

/**
 * Block devices as images: loop devices, which root can make on most machines. Where nobody may, a
 * test shows what it can on the file itself, and its report says that there was no device.
 */
class BlockDeviceTest {
    private static final long SEED = ImageZoo.SEED;

    /** More than 32 bits, and no whole number of pages. */
    private static final long SIZE = (5L << 30) + 512;

    /** A loop device over a file, or the file itself. */
    private record Device(Path path, boolean isDevice) implements AutoCloseable {
        static Device over(Path file, TestReporter reporter) throws IOException {
            if (Files.isReadable(Path.of("/dev/loop-control"))) {
                Peers.Result made = Peers.run("losetup", "--find", "--show", file);
                if (made.status() == 0) {
                    return new Device(Path.of(made.text()), true);
                }
                reporter.publishEntry("no loop device", made.err());
            } else {
                reporter.publishEntry("no loop device", "/dev/loop-control is not readable");
            }
            return new Device(file, false);
        }

        @Override
        public void close() {
            if (isDevice) {
                Peers.run("losetup", "--detach", path).ok();
            }
        }
    }

    private static Path sparse(long size) throws IOException {
        Path file = ImageZoo.workshop("device").resolve("content");
        byte[] bytes = new byte[1 << 20];
        new Random(SEED).nextBytes(bytes);
        try (RandomAccessFile content = new RandomAccessFile(file.toFile(), "rw")) {
            content.setLength(size);
            content.write(bytes);
            content.seek(size - bytes.length);
            content.write(bytes);
        }
        return file;
    }

    @Test
    void bothDriversSeeTheWholeDevice(TestReporter reporter) throws IOException {
        Path file = sparse(SIZE);
        try (Device device = Device.over(file, reporter);
                FileChannel content = FileChannel.open(file, StandardOpenOption.READ)) {
            ByteBuffer expected = ByteBuffer.allocate(4096 + 512);
            content.read(expected, SIZE - expected.capacity());
            for (FileDriver driver : List.of(FileDriver.fast(), FileDriver.portable())) {
                String name = device.path().toString();
                try (StorageNode storage = driver.open(name, StorageOptions.READ)) {
                    assertEquals(SIZE, storage.length());
                    byte[] last = new byte[expected.capacity()];
                    storage.read(SIZE - last.length, MemorySegment.ofArray(last));
                    assertArrayEquals(expected.array(), last);
                }
            }
        } finally {
            Files.delete(file);
        }
    }

    @Test
    void commandsSayWhatQemuSays(TestReporter reporter) throws IOException {
        Path raw = sparse(5 << 20);
        Path qcow2 = raw.resolveSibling("qcow2");
        Peers.qemuImg("convert", "-f", "raw", "-O", "qcow2", raw, qcow2).ok();
        try (RandomAccessFile file = new RandomAccessFile(qcow2.toFile(), "rw")) {
            file.setLength(8 << 20); // A device is larger than its image.
        }
        for (Path content : List.of(raw, qcow2)) {
            try (Device device = Device.over(content, reporter)) {
                same("info", device.path());
                same("info", "--output=json", device.path());
                same("map", device.path());
                same("map", "--output=json", device.path());
                same("check", device.path());
                same("measure", "-O", "qcow2", device.path());
                Path target = raw.resolveSibling("target");
                Cli.gaur("convert", "-O", "raw", device.path(), target).ok();
                assertEquals(-1, Files.mismatch(raw, target));
                Cli.gaur("convert", "-O", "qcow2", device.path(), target).ok();
                Peers.qemuImg("compare", raw, target).ok();
                Cli.gaur("compare", device.path(), target).ok();
            }
        }
    }

    private static void same(Object... arguments) {
        Peers.Result qemu = Peers.qemuImg(arguments);
        Peers.Result gaur = Cli.asQemuImg(arguments);
        assertEquals(qemu.out(), gaur.out());
        assertEquals(qemu.err(), gaur.err());
        assertEquals(qemu.status(), gaur.status());
    }

    @Test
    void targetOfAConversionIsWrittenAndStaysADevice(TestReporter reporter) throws IOException {
        Path content = sparse(5 << 20);
        Path source = content.resolveSibling("source");
        byte[] bytes = new byte[5 << 20];
        new Random(SEED + 1).nextBytes(bytes);
        Files.write(source, bytes);
        try (Device device = Device.over(content, reporter)) {
            Cli.gaur("convert", "-f", "raw", "-O", "raw", source, device.path()).ok();
            assertEquals(!device.isDevice(), Files.isRegularFile(device.path()));
            assertTrue(Peers.qemuImg("compare", source, device.path()).status() == 0);
        }
        assertEquals(-1, Files.mismatch(source, content));
    }

    /** What is on a device already is written over, be it raw or an image. */
    @Test
    void deviceThatIsThereIsWrittenInto(TestReporter reporter) throws IOException {
        Path content = sparse(8 << 20);
        Path source = content.resolveSibling("source");
        byte[] bytes = new byte[5 << 20];
        new Random(SEED + 2).nextBytes(bytes);
        Arrays.fill(bytes, 1 << 20, 3 << 20, (byte) 0);
        Files.write(source, bytes);
        for (String cache : List.of("unsafe", "writeback", "none", "directsync")) {
            try (Device device = Device.over(content, reporter)) {
                Path path = device.path();
                String options = "convert -n -t " + cache + " -f raw ";
                Cli.gaur(words(options + "-O raw " + source + " " + path)).ok();
                Peers.qemuImg("compare", "-f", "raw", "-F", "raw", source, path).exited(1);
                Peers.qemuIo(path, "raw", "read -P 0 1M 2M").ok();

                Peers.qemuImg("create", "-q", "-f", "qcow2", path, "6M").ok();
                Cli.gaur(words(options + "-O qcow2 " + source + " " + path)).ok();
                Peers.qemuImg("check", "-f", "qcow2", path).ok();
                Peers.qemuImg("compare", "-f", "raw", "-F", "qcow2", source, path).ok();
                Cli.gaur("compare", "-f", "raw", "-F", "qcow2", source, path).ok();
                assertEquals(!device.isDevice(), Files.isRegularFile(path));
            }
            try (Device device = Device.over(content, reporter)) { // Nothing was left in a cache.
                Peers.qemuImg("compare", "-f", "raw", "-F", "qcow2", source, device.path()).ok();
            }
        }
    }

    @Test
    void deviceThatIsTooSmallIsLeftAlone(TestReporter reporter) throws IOException {
        Path content = sparse(4 << 20);
        byte[] before = Files.readAllBytes(content);
        Path source = content.resolveSibling("source");
        Files.write(source, new byte[5 << 20]);
        try (Device device = Device.over(content, reporter)) {
            Object[] line = words("convert -n -f raw -O raw " + source + " " + device.path());
            Peers.Result theirs = Peers.qemuImg(line).exited(1);
            Peers.Result ours = Cli.asQemuImg(line).exited(1);
            assertEquals(theirs.err(), ours.err());
        }
        assertArrayEquals(before, Files.readAllBytes(content));
    }

    private static Object[] words(String line) {
        return line.split(" ");
    }

    /** A virtual machine is paused, its thin volume made larger, and it goes on. */
    @Test
    void aFullDeviceIsUsedAgainOnceItIsLarger(TestReporter reporter) throws IOException {
        Path file = sparse(0x10_0000);
        Peers.qemuImg("create", "-f", "qcow2", file, "64M").ok();
        addGarbage(file, 2);
        byte[] disk = new byte[64 << 20];
        int megabytes = 2;
        try (Device device = Device.over(file, reporter)) {
            OpenOptions writable = OpenOptions.DEFAULT.withFormat("qcow2").withWritable(true);
            try (DiskImage image = Gaur.open(device.path(), writable)) {
                for (int at = 700; at < disk.length / 2; at += 32 << 10) {
                    disk[at] = (byte) (at >> 15 | 1);
                    MemorySegment oneByte = MemorySegment.ofArray(disk).asSlice(at, 1);
                    while (!isWritten(image, at, oneByte)) {
                        addGarbage(file, ++megabytes);
                        Peers.run("losetup", "--set-capacity", device.path()).ok();
                    }
                }
                byte[] now = new byte[disk.length];
                image.io().read(0, MemorySegment.ofArray(now));
                assertArrayEquals(disk, now);
            }
            assertTrue(!device.isDevice() || megabytes > 30, "only " + megabytes);
            Peers.qemuImg("check", "-f", "qcow2", device.path()).ok();
            try (DiskImage image = Gaur.open(device.path())) {
                byte[] now = new byte[disk.length];
                image.io().read(0, MemorySegment.ofArray(now));
                assertArrayEquals(disk, now);
            }
        }
    }

    /** Makes a file longer; what is new was somebody else's. */
    private static void addGarbage(Path file, int megabytes) throws IOException {
        try (RandomAccessFile content = new RandomAccessFile(file.toFile(), "rw")) {
            byte[] bytes = new byte[(megabytes << 20) - (int) content.length()];
            new Random(SEED).nextBytes(bytes);
            content.seek(content.length());
            content.write(bytes);
        }
    }

    private static boolean isWritten(DiskImage image, long offset, MemorySegment bytes) {
        try {
            image.io().write(offset, bytes, Durability.CACHED);
            return true;
        } catch (BlockException.Media full) {
            assertEquals("No space left on device", full.found());
            return false;
        }
    }
}
