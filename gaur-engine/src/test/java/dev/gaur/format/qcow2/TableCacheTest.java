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
import java.util.stream.LongStream;
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
                        1000, new CacheSizes(1 << 20, 0, 100), 0, TableCacheTest::slice, time::get);
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
                        1000, new CacheSizes(1 << 20, 0, 0), 0, TableCacheTest::slice, time::get);
        cache.get(1);
        for (int i = 0; i < 3; i++) {
            time.addAndGet(1L << 60);
            cache.cleanIfDue();
        }
        assertSame(cache.get(1), cache.getIfPresent(1));
    }

    @Test
    void hitsAloneHaveWhatNobodyUsesGivenUp() {
        AtomicLong time = new AtomicLong();
        TableCache cache =
                new TableCache(
                        1000, new CacheSizes(1 << 20, 0, 100), 0, TableCacheTest::slice, time::get);
        cache.get(1);
        cache.get(2);
        for (int interval = 0; interval < 2; interval++) {
            time.addAndGet(100);
            for (int i = 0; i < 5000; i++) {
                cache.get(1);
            }
        }
        assertEquals(1, cache.use().evictions());
        assertNotNull(cache.getIfPresent(1));
        assertNull(cache.getIfPresent(2));
    }

    @Test
    void lookupsThatFindNothingAndLoadNothingAreNoMisses() {
        TableCache cache = new TableCache(1000, 1 << 20, TableCacheTest::slice);
        assertNull(cache.getIfPresent(1)); // Somebody who may not wait; who may, comes after.
        cache.get(1);
        cache.get(2);
        cache.get(2);
        assertEquals(2, cache.use().misses());
        assertEquals(2, cache.use().loads());
        assertEquals(1, cache.use().hits());
        assertEquals(1 << 20, cache.use().bytesMax());
    }

    @Test
    void manyWhoMissTheSameLoadItOnce() throws Exception {
        CountDownLatch loading = new CountDownLatch(1);
        CountDownLatch mayGoOn = new CountDownLatch(1);
        TableCache cache =
                new TableCache(
                        100,
                        1 << 20,
                        number -> {
                            loading.countDown();
                            awaitQuietly(mayGoOn);
                            return slice(number);
                        });
        Thread first = Thread.ofPlatform().start(() -> cache.get(1));
        loading.await();
        Thread second = Thread.ofPlatform().start(() -> cache.get(1));
        while (cache.use().misses() < 2) {
            Thread.onSpinWait();
        }
        mayGoOn.countDown();
        first.join();
        second.join();
        assertEquals(1, cache.use().loads());
        assertEquals(0, cache.use().hits());
    }

    @Test
    void aTerabyteInSequenceIsCoveredByAFewMebibytes() {
        int slices = (int) ((1L << 40) / GEOMETRY.clusterSize() / ENTRIES);
        long sliceBytes = (long) ENTRIES * GEOMETRY.clusterSize();
        long mebibytes = 3L << 20;
        TableCache cache =
                new TableCache(
                        slices,
                        mebibytes,
                        number ->
                                sequence(
                                        (1 << 20) + number * sliceBytes | L2Entry.COPIED,
                                        GEOMETRY.clusterSize()));
        for (int i = 0; i < slices; i++) {
            cache.get(i);
        }
        for (int i = 0; i < slices; i++) {
            assertEquals((1 << 20) + i * sliceBytes, cache.placeIfPresent(i));
        }
        assertEquals(slices, cache.use().loads());
        assertEquals(0, cache.use().evictions());
        assertTrue(cache.use().bytes() <= mebibytes, cache.use().toString());
    }

    /** Loads many at once, counted; the third of each four cannot be read together with others. */
    private static final class Groups implements TableCache.Loader {
        private final List<String> log = new ArrayList<>();

        @Override
        public TableSlice load(long number) {
            log.add("" + number);
            return slice(number);
        }

        @Override
        public TableSlice[] load(long first, int count) {
            log.add(first + "+" + count);
            if (first == 8) {
                throw new BlockException.Corrupt("image", "L2", 0, "broken");
            }
            TableSlice[] slices = new TableSlice[count];
            for (int i = 0; i < count; i++) {
                slices[i] = first == 12 ? TableSlice.EMPTY : slice(first + i);
            }
            return slices;
        }
    }

    @Test
    void neighboursComeAlongIfToldSo() {
        Groups loader = new Groups();
        CacheSizes sizes = new CacheSizes(1 << 20, 0, 0);
        TableCache cache = new TableCache(16, sizes, 2, loader, () -> 0);
        TableSlice newer = slice(77);
        cache.replace(6, newer);
        checkIs(cache.get(5), 5);
        for (int number = 4; number < 8; number++) {
            TableSlice there = cache.getIfPresent(number);
            assertNotNull(there);
            assertEquals(number == 6, there == newer);
        }
        checkIs(cache.get(9), 9); // Its neighbours cannot be read.
        assertNull(cache.getIfPresent(8));
        cache.get(13);
        assertNotNull(cache.getIfPresent(13));
        assertNull(cache.getIfPresent(12)); // There is nothing to keep.
        assertEquals(List.of("4+4", "8+4", "9", "12+4"), loader.log);
        assertEquals(3, cache.use().loads());
    }

    @Test
    void neighboursDoNotBreakTheBound() {
        CacheSizes sizes = new CacheSizes(20_000, 0, 0);
        TableCache cache = new TableCache(64, sizes, 5, new Groups(), () -> 0);
        checkIs(cache.get(40), 40);
        assertTrue(cache.use().bytes() <= 20_000, cache.use().toString());
        checkIs(cache.get(3), 3);
        assertTrue(cache.use().bytes() <= 20_000, cache.use().toString());
    }

    @Test
    void cachesThatSizeThemselvesShareMemory() {
        long together = 6L << 20;
        TableBudget budget = new TableBudget(together);
        CacheSizes sizes = new CacheSizes(1L << 40, 0, 0, 0, budget);
        List<TableCache> caches = new ArrayList<>();
        for (int i = 0; i < 4; i++) {
            caches.add(new TableCache(10_000, sizes, 0, TableCacheTest::slice, () -> 0));
        }
        for (TableCache cache : caches) {
            for (int number = 0; number < 2000; number++) {
                checkIs(cache.get(number), number);
            }
        }
        long[] bytes = caches.stream().mapToLong(cache -> cache.use().bytes()).toArray();
        assertEquals(LongStream.of(bytes).sum(), budget.used());
        assertTrue(bytes[0] > together - (1 << 20), "the first has had all");
        for (int i = 1; i < 4; i++) {
            assertTrue(bytes[i] > 1_000_000 && bytes[i] < 1_060_000, "all others a little");
        }
        caches.getFirst().leaveBudget();
        assertEquals(bytes[1] + bytes[2] + bytes[3], budget.used());
        caches.getFirst().get(9000);
        assertEquals(bytes[1] + bytes[2] + bytes[3], budget.used());
        for (int number = 0; number < 500; number++) {
            checkIs(caches.getLast().get(number), number);
        }
        assertTrue(caches.getLast().use().bytes() > 2 << 20, "there is memory again");
    }
}
