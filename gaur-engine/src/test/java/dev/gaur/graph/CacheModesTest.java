package dev.gaur.graph;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gaur.block.Durability;
import dev.gaur.block.StorageNode;
import dev.gaur.block.ZeroMode;
import dev.gaur.format.CheckListener;
import dev.gaur.format.CheckReport;
import dev.gaur.format.qcow2.ImageCreator;
import dev.gaur.format.qcow2.Qcow2CreateOptions;
import dev.gaur.storage.CacheMode;
import dev.gaur.storage.StorageOptions;
import dev.gaur.storage.file.FileDriver;
import dev.gaur.testkit.TestBytes;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Arrays;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What each cache mode promises holds while the data cache is full and counts are in a journal. */
class CacheModesTest {
    private static final int CLUSTER = 64 << 10;
    private static final int SIZE = 2 << 20;
    private static final int PIECE = 4096;

    @TempDir Path folder;

    private final Random random = new Random(1);
    private final byte[] base = new byte[SIZE];
    private final byte[] model = new byte[SIZE];

    private Path create(boolean journal) throws IOException {
        random.nextBytes(base);
        System.arraycopy(base, 0, model, 0, SIZE);
        Files.write(folder.resolve("base"), base);
        Path path = Files.createFile(folder.resolve("disk.qcow2"));
        Qcow2CreateOptions options = Qcow2CreateOptions.ofSize(SIZE).withJournal(journal);
        try (StorageNode file = FileDriver.fast().open(path.toString(), StorageOptions.WRITE)) {
            ImageCreator.create(file, Optional.empty(), options.withBacking("base", "raw"));
        }
        return path;
    }

    private void write(BlockDevice disk, int at, Durability durability) {
        byte[] bytes = new byte[PIECE];
        random.nextBytes(bytes);
        disk.write(at, MemorySegment.ofArray(bytes), durability);
        System.arraycopy(bytes, 0, model, at, PIECE);
    }

    /** What the image reads as when its process dies now, once it is used again. */
    private byte[] left(Path path) throws IOException {
        Path copy = folder.resolve("copy.qcow2");
        Files.copy(path, copy, StandardCopyOption.REPLACE_EXISTING);
        try (BlockDevice disk =
                ChainOpener.open(copy.toString(), OpenRequest.READ.withWritable(true))) {
            disk.zero(0, 0, ZeroMode.KEEP, Durability.STABLE); // Repairs it.
            CheckReport report = disk.image().checker().orElseThrow().check(CheckListener.NONE);
            assertEquals(0, report.corruptions() + report.checkErrors(), report::toString);
            return TestBytes.read(disk, 0, SIZE);
        }
    }

    @ParameterizedTest
    @CsvSource({
        "WRITEBACK, false", "WRITEBACK, true",
        "WRITETHROUGH, false", "WRITETHROUGH, true",
        "NONE, false", "NONE, true",
        "DIRECTSYNC, false", "DIRECTSYNC, true",
        "UNSAFE, false", "UNSAFE, true"
    })
    void whatItPromisesHolds(CacheMode mode, boolean journal) throws IOException {
        Path path = create(journal);
        OpenRequest request = OpenRequest.READ.withWritable(true).withCache(mode);
        request = request.withCowCacheBytes(4L * CLUSTER);
        try (BlockDevice disk = ChainOpener.open(path.toString(), request)) {
            byte[] stable = model.clone();
            for (int i = 0; i < 8; i++) { // Twice as many as there is room for.
                write(disk, 2 * i * CLUSTER + 512, Durability.CACHED);
                if (mode.writethrough()) {
                    assertArrayEquals(model, left(path), "each write is stable");
                }
            }
            long held = disk.image().cowUse().orElseThrow().bytes();
            assertEquals(mode.writethrough(), held == 0, held + " bytes wait");
            assertArrayEquals(model, TestBytes.read(disk, 0, SIZE));
            assertOldOrNew(stable, left(path));
            write(disk, 14 * CLUSTER + 3 * PIECE, Durability.STABLE); // With what waits there.
            int from = 14 * CLUSTER;
            assertArrayEquals(
                    Arrays.copyOfRange(model, from, from + CLUSTER),
                    Arrays.copyOfRange(left(path), from, from + CLUSTER));
            disk.flush();
            assertArrayEquals(model, left(path), "flushed"); // By the process, unsafe or not.
            write(disk, 5 * CLUSTER, Durability.CACHED);
        }
        assertArrayEquals(model, left(path), "closed");
    }

    private void assertOldOrNew(byte[] old, byte[] found) {
        for (int at = 0; at < SIZE; at += 512) {
            boolean isOld = Arrays.equals(old, at, at + 512, found, at, at + 512);
            boolean isNew = Arrays.equals(model, at, at + 512, found, at, at + 512);
            assertTrue(isOld || isNew, "sector at " + at);
        }
    }
}
