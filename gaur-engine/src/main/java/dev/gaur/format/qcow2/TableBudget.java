package dev.gaur.format.qcow2;

import java.util.concurrent.atomic.AtomicLong;

/**
 * Memory that caches of tables share which were told no size of their own: however many images a
 * process has open, together they stay within a part of its heap. Safe for many threads.
 */
final class TableBudget {
    private static final int SHARE_OF_HEAP = 4;

    /** For caches that count on their own. */
    static final TableBudget NONE = new TableBudget(Long.MAX_VALUE);

    /** That of this process: a quarter of the heap, but at least what one cache may have. */
    static final TableBudget PROCESS =
            new TableBudget(
                    Math.max(
                            CacheSizes.AUTO_BYTES_MIN,
                            Runtime.getRuntime().maxMemory() / SHARE_OF_HEAP));

    private final long most;
    private final AtomicLong used = new AtomicLong();

    /**
     * @param most bytes for all caches together
     */
    TableBudget(long most) {
        this.most = most;
    }

    /** Notes that a cache has grown, or shrunk. */
    void add(long bytes) {
        if (most != Long.MAX_VALUE) {
            used.addAndGet(bytes);
        }
    }

    /** Tells whether all caches together have more than there is. */
    boolean isExceeded() {
        return used.get() > most;
    }

    /** Returns what all caches have together. */
    long used() {
        return used.get();
    }
}
