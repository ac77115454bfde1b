package dev.gaur.format.qcow2;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gaur.block.BlockException;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

class TableCacheTest {
    private static final Geometry GEOMETRY = new Geometry(16, false, 4);
    private static final int ENTRIES = GEOMETRY.sliceEntries();

    /** A slice that no sequence describes, and that says which number it has. */
    private static TableSlice slice(long number) {
        long[] words = new long[ENTRIES];
        for (int i = 0; i < ENTRIES; i++) {
            words[i] = number << 20 | (long) i * i;
        }
        return TableSlice.of(words, GEOMETRY);
    }

    private static void checkIs(TableSlice slice, long number) {
        assertEquals(number << 20 | 49, slice.entry(7));
    }

    private static TableSlice sequence(long first, long step) {
        long[] words = new long[ENTRIES];
        for (int i = 0; i < ENTRIES; i++) {
            words[i] = first + i * step;
        }
        return TableSlice.of(words, GEOMETRY);
    }

    @Test
    void whatWasLoadedOnceIsFoundAgain() {
        AtomicInteger loads = new AtomicInteger();
        TableCache cache =
                new TableCache(
                        10_000,
                        1 << 20,
                        number -> {
                            loads.incrementAndGet();
                            return slice(number);
                        });
        assertNull(cache.getIfPresent(5000));
        TableSlice first = cache.get(5000);
        checkIs(first, 5000);
        assertSame(first, cache.get(5000));
        assertSame(first, cache.getIfPresent(5000));
        assertEquals(1, loads.get());
        var statistics = cache.use();
        assertEquals(2, statistics.hits());
        assertEquals(1, statistics.loads());
        assertEquals(0, statistics.evictions());
    }

    @Test
    void theBoundHoldsWhateverIsAskedFor() {
        long seed = Long.getLong("gaur.seed", 20261122L);
        Random random = new Random(seed);
        long bound = 40_000;
        TableCache cache = new TableCache(1 << 20, bound, TableCacheTest::slice);
        for (int i = 0; i < 5000; i++) {
            long number = random.nextInt(i % 2 == 0 ? 1 << 20 : 8);
            checkIs(cache.get(number), number);
            long bytes = cache.use().bytes();
            assertTrue(bytes <= bound, "seed " + seed + ": " + bytes + " bytes");
        }
        assertTrue(cache.use().evictions() > 1000, "seed " + seed);
    }

    @Test
    void aBoundBelowOneSliceKeepsNothingAndStillAnswers() {
        TableCache cache = new TableCache(100, 0, TableCacheTest::slice);
        checkIs(cache.get(3), 3);
        assertNull(cache.getIfPresent(3));
        assertEquals(0, cache.use().bytes());
    }

    @Test
    void whatIsUsedStaysWhileOthersPassThrough() {
        TableCache cache = new TableCache(1000, 60_000, TableCacheTest::slice);
        cache.get(0);
        for (int i = 1; i < 900; i++) {
            cache.get(i);
            assertNotNull(cache.getIfPresent(0), "after " + i);
        }
        assertNull(cache.getIfPresent(1));
    }

    @Test
    void aSliceThatFollowsFromItsFirstEntryTakesFewBytes() {
        TableSlice data = sequence(0x50000 | L2Entry.COPIED, 65536);
        assertTrue(data.isSequence());
        assertTrue(data.memory() < 100);
        assertEquals(0x50000 + 100 * 65536 | L2Entry.COPIED, data.entry(100));
        assertTrue(sequence(0, 0).isSequence());
        assertEquals(1, sequence(1, 0).entry(511));
        assertFalse(sequence(0x50000, 4096).isSequence());
        assertFalse(slice(1).isSequence());
    }

    @Test
    void aSequenceThatLeavesTheOffsetsBitsIsNone() {
        TableSlice wrapping = sequence(0x00ff_ffff_fff0_0000L, 65536);
        assertFalse(wrapping.isSequence());
        assertEquals(0x0100_0000_0000_0000L, wrapping.entry(16));
    }

    @Test
    void subclusterBitmapsMustAgreeInASequence() {
        Geometry extended = new Geometry(16, true, 4);
        long[] words = new long[extended.sliceEntries() * 2];
        for (int i = 0; i < extended.sliceEntries(); i++) {
            words[2 * i] = 0x50000 + i * 65536L;
            words[2 * i + 1] = 0xffff;
        }
        TableSlice equal = TableSlice.of(words.clone(), extended);
        assertTrue(equal.isSequence());
        assertEquals(0xffff, equal.bitmap(9));
        words[101] = 0xfffe;
        TableSlice unequal = TableSlice.of(words, extended);
        assertFalse(unequal.isSequence());
        assertEquals(0xfffe, unequal.bitmap(50));
        assertEquals(0x50000 + 50 * 65536L, unequal.entry(50));
    }

    @Test
    void aSliceThatIsDataInOnePieceTellsItsPlaceByItself() {
        TableCache cache =
                new TableCache(
                        1000,
                        1 << 20,
                        number -> sequence(number << 30 | L2Entry.COPIED, GEOMETRY.clusterSize()));
        assertEquals(0, cache.placeIfPresent(3));
        cache.get(3);
        assertEquals(3L << 30, cache.placeIfPresent(3));
        assertEquals(3L << 30, cache.placeIfPresent(3));
        assertEquals(0, cache.placeIfPresent(4));
        assertEquals(2, cache.use().hits());
    }

    @Test
    void whatIsNotAllDataInOnePieceHasNoPlace() {
        assertEquals(0x50000, sequence(0x50000, GEOMETRY.clusterSize()).place());
        assertEquals(0, TableSlice.EMPTY.place());
        assertEquals(0, sequence(0, 0).place());
        assertEquals(0, sequence(0x50000, 0).place(), "one cluster many times");
        assertEquals(0, sequence(0x50001, GEOMETRY.clusterSize()).place(), "zeros");
        assertEquals(0, sequence(0x50200, GEOMETRY.clusterSize()).place(), "unaligned");
        assertEquals(0, sequence(0x50002, GEOMETRY.clusterSize()).place(), "a reserved bit");
        assertEquals(0, sequence(0x50000 | L2Entry.COMPRESSED, GEOMETRY.clusterSize()).place());
        assertEquals(0, sequence(0, GEOMETRY.clusterSize()).place(), "the first is not allocated");
        assertEquals(0, slice(77).place());
    }

    @Test
    void onlySubclustersThatAreAllAllocatedHaveAPlace() {
        Geometry extended = new Geometry(16, true, 4);
        long[] bitmaps = {L2Entry.ALL_SUBCLUSTERS_ALLOCATED, 0, 0x7fff_ffffL, 1L << 32};
        for (long bitmap : bitmaps) {
            long[] words = new long[extended.sliceEntries() * 2];
            for (int i = 0; i < extended.sliceEntries(); i++) {
                words[2 * i] = 0x50000 + i * 65536L;
                words[2 * i + 1] = bitmap;
            }
            long expected = bitmap == L2Entry.ALL_SUBCLUSTERS_ALLOCATED ? 0x50000 : 0;
            assertEquals(expected, TableSlice.of(words, extended).place());
        }
    }

    @Test
    void whatOnlyThePlaceIsAskedOfIsUsedToo() {
        TableCache cache =
                new TableCache(
                        1000,
                        20_000,
                        number -> sequence((number + 1) << 30, GEOMETRY.clusterSize()));
        cache.get(0);
        for (int i = 1; i < 900; i++) {
            cache.get(i);
            assertEquals(1L << 30, cache.placeIfPresent(0), "after " + i);
        }
        assertEquals(0, cache.placeIfPresent(1));
        assertNull(cache.getIfPresent(1));
    }

    @Test
    void aFailedLoadIsNotRememberedAndLeavesNoLock() {
        AtomicInteger calls = new AtomicInteger();
        TableCache cache =
                new TableCache(
                        100,
                        1 << 20,
                        number -> {
                            if (calls.getAndIncrement() == 0) {
                                throw new BlockException.Corrupt("image", "L2", 0, "broken");
                            }
                            return slice(number);
                        });
        assertThrows(BlockException.Corrupt.class, () -> cache.get(7));
        checkIs(cache.get(7), 7);
    }

    @Test
    void manyThreadsLoadEachSliceOnce() throws Exception {
        AtomicInteger loads = new AtomicInteger();
        TableCache cache =
                new TableCache(
                        64,
                        1 << 20,
                        number -> {
                            loads.incrementAndGet();
                            return slice(number);
                        });
        CountDownLatch start = new CountDownLatch(8);
        List<Callable<Void>> readers = new ArrayList<>();
        for (int i = 0; i < 8; i++) {
            readers.add(
                    () -> {
                        start.countDown();
                        start.await();
                        for (int number = 0; number < 64; number++) {
                            checkIs(cache.get(number), number);
                        }
                        return null;
                    });
        }
        try (ExecutorService threads = Executors.newFixedThreadPool(8)) {
            for (Future<Void> each : threads.invokeAll(readers)) {
                each.get();
            }
        }
        assertEquals(64, loads.get());
    }

    @Test
    void aSlowLoadDelaysNoHit() throws Exception {
        CountDownLatch loading = new CountDownLatch(1);
        CountDownLatch mayGoOn = new CountDownLatch(1);
        TableCache cache =
                new TableCache(
                        100,
                        1 << 20,
                        number -> {
                            if (number == 1) {
                                loading.countDown();
                                awaitQuietly(mayGoOn);
                            }
                            return slice(number);
                        });
        cache.get(2);
        try (ExecutorService threads = Executors.newSingleThreadExecutor()) {
            Future<TableSlice> slow = threads.submit(() -> cache.get(1));
            loading.await();
            checkIs(cache.get(2), 2); // Would never come back if hits waited.
            checkIs(cache.get(3), 3); // Nor do loads of other slices.
            mayGoOn.countDown();
            checkIs(slow.get(), 1);
        }
    }

    private static void awaitQuietly(CountDownLatch latch) {
        try {
            latch.await();
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    @Test
    void whatNobodyUsesForAnIntervalIsGivenUp() {
        AtomicLong time = new AtomicLong(7);
        TableCache cache =
                new TableCache(
                        1000, new CacheSizes(1 << 20, 0, 100), TableCacheTest::slice, time::get);
        cache.get(1);
        cache.get(2);
        time.addAndGet(100);
        cache.get(1); // A hit asks for no time.
        assertNotNull(cache.getIfPresent(2));
        cache.cleanIfDue(); // Both were used.
        time.addAndGet(99);
        cache.cleanIfDue();
        cache.get(1);
        time.addAndGet(1);
        cache.get(3); // A load looks at the time.
        assertNull(cache.getIfPresent(2));
        assertNotNull(cache.getIfPresent(1));
        assertNotNull(cache.getIfPresent(3));
        assertEquals(1, cache.use().evictions());
        time.addAndGet(200);
        cache.cleanIfDue();
        time.addAndGet(200);
        cache.cleanIfDue();
        assertNull(cache.getIfPresent(1));
        assertEquals(0, cache.use().bytes());
    }

    @Test
    void withoutAnIntervalAllStays() {
        AtomicLong time = new AtomicLong();
        TableCache cache =
                new TableCache(
                        1000, new CacheSizes(1 << 20, 0, 0), TableCacheTest::slice, time::get);
        cache.get(1);
        for (int i = 0; i < 3; i++) {
            time.addAndGet(1L << 60);
            cache.cleanIfDue();
        }
        assertSame(cache.get(1), cache.getIfPresent(1));
    }
}
