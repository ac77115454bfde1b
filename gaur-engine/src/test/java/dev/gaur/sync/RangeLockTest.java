package dev.gaur.sync;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicIntegerArray;
import org.junit.jupiter.api.Test;

class RangeLockTest {
    private static final long SEED = Long.getLong("gaur.seed", 20261122L);

    private final RangeLock lock = new RangeLock();

    @Test
    void rangesThatDoNotOverlapNeverWait() {
        RangeLock.Claim first = lock.claim(0, 10);
        RangeLock.Claim second = lock.claim(10, 10);
        first.close();
        lock.claim(5, 5).close();
        second.close();
        lock.claim(0, Long.MAX_VALUE).close();
    }

    @Test
    void anOverlappingClaimWaits() throws Exception {
        RangeLock.Claim first = lock.claim(0, 10);
        List<String> order = new ArrayList<>();
        Thread other =
                Thread.ofPlatform()
                        .start(
                                () -> {
                                    RangeLock.Claim claim = lock.claim(9, 1);
                                    synchronized (order) {
                                        order.add("second");
                                    }
                                    claim.close();
                                });
        while (other.getState() != Thread.State.WAITING) {
            Thread.onSpinWait();
        }
        synchronized (order) {
            order.add("first");
        }
        first.close();
        other.join();
        assertEquals(List.of("first", "second"), order);
    }

    @Test
    void whoDoesNotWaitGetsWhatNobodyHasOrWaitsFor() throws Exception {
        RangeLock.Claim first = lock.claim(0, 10);
        assertNull(lock.tryClaim(5, 10));
        Thread other = Thread.ofPlatform().start(() -> lock.claim(9, 11).close());
        while (other.getState() != Thread.State.WAITING) {
            Thread.onSpinWait();
        }
        assertNull(lock.tryClaim(15, 1), "somebody waits for it");
        RangeLock.Claim second = lock.tryClaim(20, 10);
        assertNotNull(second);
        assertNull(lock.tryClaim(29, 1));
        first.close();
        other.join();
        second.close();
        lock.claim(0, Long.MAX_VALUE).close();
    }

    @Test
    void noTwoThreadsHaveAPlaceAtOnce() throws Exception {
        AtomicIntegerArray owners = new AtomicIntegerArray(100);
        AtomicInteger wrong = new AtomicInteger();
        List<Thread> threads = new ArrayList<>();
        for (int i = 0; i < 8; i++) {
            Random random = new Random(SEED + i);
            threads.add(
                    Thread.ofPlatform()
                            .start(
                                    () -> {
                                        for (int round = 0; round < 2000; round++) {
                                            claimOnce(owners, wrong, random);
                                        }
                                    }));
        }
        for (Thread thread : threads) {
            thread.join();
        }
        assertEquals(0, wrong.get(), "seed " + SEED);
    }

    private void claimOnce(AtomicIntegerArray owners, AtomicInteger wrong, Random random) {
        int from = random.nextInt(100);
        int length = 1 + random.nextInt(Math.min(10, 100 - from));
        RangeLock.Claim claim = lock.claim(from, length);
        own(from, from + length, owners, wrong);
        int other = random.nextInt(100);
        RangeLock.Claim more = lock.tryClaim(other, 1);
        if (more != null) { // Nobody waits for ever: neither for this one nor for the first.
            own(other, other + 1, owners, wrong);
            more.close();
        }
        claim.close();
    }

    private static void own(int from, int end, AtomicIntegerArray owners, AtomicInteger wrong) {
        for (int i = from; i < end; i++) {
            wrong.addAndGet(owners.getAndIncrement(i));
        }
        for (int i = from; i < end; i++) {
            owners.getAndDecrement(i);
        }
    }
}
