package dev.gaur.verify.check;

import dev.gaur.format.CheckFinding;
import dev.gaur.format.CheckListener;
import java.lang.management.ManagementFactory;
import java.lang.management.MemoryPoolMXBean;
import java.lang.management.MemoryType;

/** Measures now and then, after a collection, how much of the heap is held more than before. */
final class HeldMemory implements CheckListener {
    private static final int EVERY = 512;

    private long before;
    private long calls;
    private long most;

    HeldMemory() {
        long last;
        before = Long.MAX_VALUE;
        do { // What other tests left goes bit by bit: some of it only after it was finalized.
            last = before;
            System.gc();
            before = used();
        } while (before < last);
    }

    @Override
    public void found(CheckFinding finding) {
        // Only memory counts here.
    }

    @Override
    public void progress(long done, long total) {
        if (calls++ % EVERY == 0) {
            System.gc();
            long now = used();
            most = Math.max(most, now - before);
            before = Math.min(before, now); // Some went even later.
        }
    }

    /** Returns the most that was held, in bytes. */
    long most() {
        return most;
    }

    private static long used() {
        return ManagementFactory.getMemoryPoolMXBeans().stream()
                .filter(pool -> pool.getType() == MemoryType.HEAP)
                .mapToLong(HeldMemory::used)
                .sum();
    }

    private static long used(MemoryPoolMXBean pool) {
        return pool.getUsage().getUsed();
    }
}
