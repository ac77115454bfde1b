package dev.gaur.format.qcow2;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gaur.block.Durability;
import dev.gaur.mem.Bytes;
import dev.gaur.storage.memory.MemoryStorage;
import dev.gaur.testkit.StorageWrapper;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

class ScatteredReadsTest {
    private static final int PIECE = 4096;

    /** Of whose bytes only the first ones are in memory. */
    private static final class HalfCached extends StorageWrapper {
        private final long cached;
        private final List<String> calls = new ArrayList<>();

        HalfCached(long length, long cached) {
            super(numbered(length));
            this.cached = cached;
        }

        private static MemoryStorage numbered(long length) {
            MemoryStorage storage = new MemoryStorage("numbered", length);
            MemorySegment number = MemorySegment.ofArray(new byte[Long.BYTES]);
            for (long at = 0; at + Long.BYTES <= length; at += PIECE) {
                Bytes.putU64(number, 0, at);
                storage.write(at, number, Durability.CACHED);
            }
            return storage;
        }

        @Override
        public boolean tryRead(long offset, MemorySegment target) {
            calls.add("try " + offset / PIECE);
            return offset < cached && super.tryRead(offset, target);
        }

        @Override
        public boolean prefetch(long offset, long length) {
            calls.add("ask " + offset / PIECE);
            return true;
        }

        @Override
        public void read(long offset, MemorySegment target) {
            calls.add("read " + offset / PIECE);
            super.read(offset, target);
        }
    }

    private final List<Long> found = new ArrayList<>();

    private void take(ScatteredReads.Piece piece, MemorySegment bytes) {
        assertEquals(piece.bytes(), bytes.byteSize());
        assertEquals(piece.offset(), Bytes.u64(bytes, 0));
        found.add(piece.offset() / PIECE);
    }

    private static ScatteredReads of(HalfCached file, long... pieces) {
        ScatteredReads reads = new ScatteredReads(file);
        for (long piece : pieces) {
            reads.add(piece * PIECE, PIECE);
        }
        return reads;
    }

    @Test
    void whatMemoryHasIsReadOnceAndTheDiskAskedForTheRest() {
        HalfCached file = new HalfCached(100 * PIECE, 50 * PIECE);
        ScatteredReads reads = of(file, 3, 7, 60, 9, 80);
        reads.takePresent(this::take);
        assertEquals(List.of(3L, 7L), found);
        assertEquals(List.of("try 3", "try 7", "try 60", "ask 60", "ask 9", "ask 80"), file.calls);
        file.calls.clear();
        reads.forEach(this::take);
        assertEquals(List.of(3L, 7L, 60L, 9L, 80L), found);
        assertEquals(List.of("read 60", "read 9", "read 80"), file.calls);
    }

    @Test
    void nothingIsAskedForWhenAllIsThere() {
        HalfCached file = new HalfCached(10 * PIECE, 10 * PIECE);
        ScatteredReads reads = of(file, 5, 2);
        reads.takePresent(this::take);
        reads.forEach(this::take);
        assertEquals(List.of(5L, 2L), found);
        assertEquals(List.of("try 5", "try 2"), file.calls);
    }

    @Test
    void behindTheEndOfTheFileAreZeros() {
        HalfCached file = new HalfCached(2 * PIECE + 512, 10 * PIECE);
        ScatteredReads reads = of(file, 0, 2);
        reads.takePresent(this::take);
        assertEquals(List.of(0L), found);
        reads.forEach(this::take);
        assertEquals(List.of("try 0", "read 2"), file.calls);
        assertEquals(List.of(0L, 2L), found);
    }

    private static void meet(CountDownLatch all) {
        all.countDown();
        try {
            all.await();
        } catch (InterruptedException interrupted) {
            throw new IllegalStateException(interrupted);
        }
    }

    /** Of which nothing can be asked, as with O_DIRECT. */
    private static class Uncached extends StorageWrapper {
        private final CountDownLatch together;
        private final Set<Thread> readers = ConcurrentHashMap.newKeySet();

        Uncached(long length, int together) {
            super(HalfCached.numbered(length));
            this.together = new CountDownLatch(together);
        }

        @Override
        public boolean tryRead(long offset, MemorySegment target) {
            return false;
        }

        @Override
        public void read(long offset, MemorySegment target) {
            readers.add(Thread.currentThread());
            meet(together);
            super.read(offset, target);
        }
    }

    private static ScatteredReads everyOther(Uncached file, int pieces) {
        ScatteredReads reads = new ScatteredReads(file);
        for (int i = 0; i < pieces; i++) {
            reads.add(2L * i * PIECE, PIECE);
        }
        return reads;
    }

    @Test
    @Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
    void severalAreWaitedForWhereNothingCanBeAskedFor() {
        Uncached file = new Uncached(200 * PIECE, 5);
        ScatteredReads reads = everyOther(file, 40);
        reads.takePresent(this::take);
        assertEquals(List.of(), found);
        reads.forEach(this::take);
        assertEquals(
                LongStream.range(0, 40).map(i -> 2 * i).boxed().toList(),
                found.stream().sorted().toList());
    }

    @Test
    void whoTakesMayRefuseWhoeverReads() {
        ScatteredReads reads = everyOther(new Uncached(200 * PIECE, 1), 40);
        IOException refused = new IOException("made up");
        IOException thrown =
                assertThrows(
                        IOException.class,
                        () ->
                                reads.forEach(
                                        (piece, bytes) -> {
                                            throw refused;
                                        }));
        assertSame(refused, thrown);
    }

    /** Which takes its time for each piece but the first, until two ask. */
    private static final class SlowlyAsked extends Uncached {
        private final CountDownLatch together = new CountDownLatch(2);
        private final Set<Long> asked = ConcurrentHashMap.newKeySet();

        SlowlyAsked(long length) {
            super(length, 1);
        }

        @Override
        public boolean prefetch(long offset, long length) {
            assertTrue(asked.add(offset / PIECE), "once");
            if (offset > 0) {
                meet(together);
            }
            return true;
        }
    }

    @Test
    @Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
    void twoAskForMany() {
        SlowlyAsked file = new SlowlyAsked(200 * PIECE);
        ScatteredReads reads = everyOther(file, 40);
        reads.takePresent(this::take);
        List<Long> all = LongStream.range(0, 40).map(i -> 2 * i).boxed().toList();
        assertEquals(Set.copyOf(all), file.asked);
        reads.forEach(this::take);
        assertEquals(all, found, "who can be asked is read in order");
    }

    private static boolean isBlocked(Thread thread) {
        return thread.getState() == Thread.State.BLOCKED;
    }

    /** The first one to take stays there until another one waits for it, or does not. */
    @Test
    @Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
    void oneTakesAtATime() {
        Uncached file = new Uncached(200 * PIECE, 2);
        AtomicInteger inside = new AtomicInteger();
        everyOther(file, 40)
                .forEach(
                        (piece, bytes) -> {
                            assertEquals(1, inside.incrementAndGet());
                            boolean first = found.isEmpty();
                            take(piece, bytes);
                            while (first
                                    && file.readers.stream()
                                            .noneMatch(ScatteredReadsTest::isBlocked)) {
                                assertEquals(1, inside.get());
                                Thread.onSpinWait();
                            }
                            inside.decrementAndGet();
                        });
        assertEquals(40, found.size());
    }
}
