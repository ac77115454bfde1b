package dev.gaur.storage.file;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gaur.block.BlockException;
import dev.gaur.block.Durability;
import dev.gaur.block.Extent;
import dev.gaur.block.StorageNode;
import dev.gaur.ffi.Posix;
import dev.gaur.storage.StorageOptions;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class NativeStorageTest extends FileContract {
    private static final long SEED = Long.getLong("gaur.seed", 20261122L);

    @Override
    FileDriver driver() {
        return FileDriver.fast();
    }

    @BeforeAll
    static void nativeAccessIsEnabled() {
        assertTrue(Posix.isAvailable());
    }

    @Test
    void holesAreZerosAndTheRestIsData() {
        try (StorageNode storage = storage(10 << 20)) {
            byte[] block = new byte[1 << 20];
            storage.write(3 << 20, MemorySegment.ofArray(block), Durability.STABLE);
            List<Extent> extents = new ArrayList<>();
            storage.extents(0, 10 << 20, extents::add);
            assertEquals(
                    List.of(
                            new Extent.Zero(0, 3 << 20, 0, 0),
                            new Extent.Data(3 << 20, 1 << 20, 0, 3 << 20, false),
                            new Extent.Zero(4 << 20, 6 << 20, 0, 4 << 20)),
                    extents);
        }
    }

    /** What the kernel says of an open file of this process. */
    static int flags(Path file) throws IOException {
        try (DirectoryStream<Path> open = Files.newDirectoryStream(Path.of("/proc/self/fd"))) {
            for (Path fd : open) {
                if (Files.exists(fd) && Files.isSameFile(fd, file)) {
                    String info =
                            Files.readString(
                                    Path.of("/proc/self/fdinfo").resolve(fd.getFileName()));
                    return Integer.parseInt(info.replaceAll("(?s).*flags:\\s+(\\d+).*", "$1"), 8);
                }
            }
        }
        throw new AssertionError("not open: " + file);
    }

    @Test
    void directReadsOfAnyRangeIntoAnyMemory(@TempDir Path folder) throws IOException {
        byte[] bytes = new byte[3 * (1 << 20) + 777];
        new Random(SEED).nextBytes(bytes);
        Path file = Files.write(folder.resolve("direct"), bytes);
        StorageOptions options = new StorageOptions(false, true, false);
        try (StorageNode storage = driver().open(file.toString(), options);
                Arena arena = Arena.ofConfined()) {
            assertTrue((flags(file) & Posix.O_DIRECT) != 0);
            MemorySegment memory = arena.allocate(2 << 20, 4096);
            Random random = new Random(SEED);
            for (int round = 0; round < 300; round++) {
                int offset = random.nextInt(bytes.length) & (round % 3 == 0 ? -4096 : -1);
                int length = Math.min(random.nextInt(2 << 20), bytes.length - offset);
                length &= round % 2 == 0 ? -4096 : -1;
                MemorySegment target =
                        round % 5 == 0
                                ? MemorySegment.ofArray(new byte[length])
                                : memory.asSlice(0, length);
                storage.read(offset, target);
                MemorySegment expected = MemorySegment.ofArray(bytes).asSlice(offset, length);
                assertEquals(-1, expected.mismatch(target), "seed " + SEED + ", round " + round);
            }
            assertFalse(storage.tryRead(0, memory), "may wait for the disk");
        }
    }

    @Test
    void directReadsAreRefusedWhereTheFileSystemHasNone() {
        StorageOptions options = new StorageOptions(false, true, false);
        var error =
                assertThrows(
                        BlockException.Media.class,
                        () -> driver().open("/proc/self/maps", options));
        assertTrue(error.getMessage().contains("O_DIRECT"), error.getMessage());
    }

    @Test
    void directWritesAreRefusedWhereTheFileSystemHasNone() {
        StorageOptions options = StorageOptions.WRITE.withDirect(true);
        assertThrows(
                BlockException.Media.class,
                () -> driver().open("/proc/sys/kernel/domainname", options));
    }

    @Test
    void whatWasJustWrittenIsReadWithoutWaiting() {
        try (StorageNode storage = storage(0);
                Arena arena = Arena.ofConfined()) {
            storage.write(0, MemorySegment.ofArray(new byte[8192]), Durability.CACHED);
            assertTrue(storage.tryRead(4096, arena.allocate(4096)));
        }
    }
}
