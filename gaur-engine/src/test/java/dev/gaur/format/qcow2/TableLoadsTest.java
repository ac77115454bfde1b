package dev.gaur.format.qcow2;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gaur.block.Durability;
import dev.gaur.block.StorageNode;
import dev.gaur.format.CacheOptions;
import dev.gaur.format.CacheUse;
import dev.gaur.format.FormatOptions;
import dev.gaur.format.Image;
import dev.gaur.format.Preallocation;
import dev.gaur.storage.memory.MemoryStorage;
import dev.gaur.testkit.CountingStorage;
import dev.gaur.testkit.FaultPlan.Call;
import dev.gaur.testkit.PausingStorage;
import dev.gaur.testkit.TestBytes;
import java.lang.foreign.MemorySegment;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What a read costs whose part of a table is not in memory, and whom it delays. */
class TableLoadsTest {
    private static final long AUTO = FormatOptions.AUTO;
    private static final int CLUSTER = 1 << 16;
    private static final int SLICE_ENTRIES = 512;

    /** What one L2 table maps. */
    private static final long TABLE = (long) CLUSTER * CLUSTER / Long.BYTES;

    /** Two tables; one cluster of data for each slice of both. */
    private static MemoryStorage image() {
        MemoryStorage storage = new MemoryStorage("image", 0);
        ImageCreator.create(storage, Optional.empty(), Qcow2CreateOptions.ofSize(2 * TABLE));
        try (Image image = open(new KeepOpen(storage, true), AUTO)) {
            byte[] bytes = new byte[CLUSTER];
            for (int slice = 0; slice < 32; slice++) {
                new Random(slice).nextBytes(bytes);
                image.write(place(slice), MemorySegment.ofArray(bytes), Durability.CACHED);
            }
        }
        return storage;
    }

    private static long place(int slice) {
        return (long) slice * SLICE_ENTRIES * CLUSTER;
    }

    private static Image open(StorageNode storage, long entryBytes) {
        CacheOptions caches = new CacheOptions(AUTO, entryBytes, AUTO, AUTO);
        return Qcow2Format.INSTANCE.open(
                storage, FormatOptions.DEFAULT.withCaches(caches), OneBacking.NONE);
    }

    private static void checkRead(Image image, int slice) {
        byte[] expected = new byte[CLUSTER];
        new Random(slice).nextBytes(expected);
        assertArrayEquals(expected, TestBytes.read(image, place(slice), CLUSTER));
    }

    @ParameterizedTest
    @CsvSource({"-1,4096,32", "512,4096,32", "4096,4096,32", "16384,16384,8", "65536,65536,2"})
    void aMissReadsOneSliceOrWhatWasAskedFor(long entryBytes, long bytes, long loads) {
        CountingStorage counted = new CountingStorage(new KeepOpen(image(), false));
        try (Image image = open(counted, entryBytes)) {
            checkRead(image, 0); // Reads the L1 table, too.
            long before = counted.bytesRead();
            checkRead(image, 16);
            assertEquals(bytes + CLUSTER, counted.bytesRead() - before);
            for (int round = 0; round < 2; round++) {
                for (int slice = 0; slice < 32; slice++) {
                    checkRead(image, slice);
                }
            }
            CacheUse use = image.cacheUse().orElseThrow();
            assertEquals(loads, use.loads());
            assertEquals(loads, use.misses());
            assertTrue(use.hits() > 32, use.toString());
        }
    }

    @Test
    void neighboursThatWereChangedAreSeenChanged() {
        MemoryStorage storage = image();
        try (Image image = open(new KeepOpen(storage, true), CLUSTER)) {
            byte[] bytes = new byte[CLUSTER];
            new Random(77).nextBytes(bytes);
            image.write(place(7) + CLUSTER, MemorySegment.ofArray(bytes), Durability.CACHED);
            for (int slice = 0; slice < 32; slice++) {
                checkRead(image, slice);
            }
            assertArrayEquals(bytes, TestBytes.read(image, place(7) + CLUSTER, CLUSTER));
        }
    }

    @Test
    void aMissDelaysNobodyWhoHits() throws InterruptedException {
        PausingStorage paused = new PausingStorage(new KeepOpen(image(), false), Call.READ);
        AtomicReference<Throwable> failure = new AtomicReference<>();
        try (Image image = open(paused, AUTO)) {
            checkRead(image, 1);
            paused.arm();
            Thread misses =
                    Thread.ofPlatform()
                            .uncaughtExceptionHandler((_, thrown) -> failure.set(thrown))
                            .start(() -> checkRead(image, 2));
            assertTrue(paused.awaitPause(misses));
            long loads = image.cacheUse().orElseThrow().loads();
            checkRead(image, 1); // Would never end if it waited for the other one's table.
            checkRead(image, 3); // Nor do other misses.
            assertEquals(loads + 1, image.cacheUse().orElseThrow().loads());
            paused.goOnAfter(Thread.ofPlatform().start(() -> {}));
            misses.join();
        }
        assertNull(failure.get());
    }

    @Test
    void countersGoOnWhenTheWholeImageChanges() {
        try (Image image = open(new KeepOpen(image(), true), AUTO)) {
            checkRead(image, 0);
            checkRead(image, 0);
            CacheUse before = image.cacheUse().orElseThrow();
            image.write(0, MemorySegment.ofArray(new byte[512]), Durability.CACHED);
            image.resizing().orElseThrow().resize(3 * TABLE, Preallocation.OFF);
            for (int i = 0; i < 3; i++) {
                checkRead(image, 1);
            }
            CacheUse now = image.cacheUse().orElseThrow();
            assertTrue(now.hits() > before.hits(), now.toString());
            assertTrue(now.loads() > before.loads(), now.toString());
            assertTrue(now.misses() > before.misses(), now.toString());
        }
    }

    @Test
    void whatIsClosedOrReplacedLeavesTheSharedMemory() {
        MemoryStorage storage = image();
        long before = TableBudget.PROCESS.used();
        try (Image image = open(new KeepOpen(storage, true), AUTO)) {
            checkRead(image, 0);
            long read = TableBudget.PROCESS.used() - before;
            assertEquals(image.cacheUse().orElseThrow().bytes(), read);
            image.write(0, MemorySegment.ofArray(new byte[512]), Durability.CACHED);
            image.resizing().orElseThrow().resize(3 * TABLE, Preallocation.OFF);
            checkRead(image, 1);
            long now = TableBudget.PROCESS.used() - before;
            assertEquals(image.cacheUse().orElseThrow().bytes(), now);
        }
        assertEquals(before, TableBudget.PROCESS.used());
    }
}
