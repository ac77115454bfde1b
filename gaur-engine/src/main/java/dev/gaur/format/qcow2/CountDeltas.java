package dev.gaur.format.qcow2;

import dev.gaur.block.StorageNode;
import java.util.Arrays;

/**
 * By how much counts shall change: runs of clusters, each with one reference more or less, of which
 * only the sum matters. Takes 16 bytes for a run, however long. Not safe for many threads.
 */
final class CountDeltas {
    private static final int START_EVENTS = 64;

    /** Where the sum changes: a cluster, times two, plus one where it falls. */
    private long[] events = new long[START_EVENTS];

    private int size;

    /**
     * Adds a reference to each cluster of a run, or takes one off.
     *
     * @param first less than 2^61
     */
    void add(long first, long count, boolean more) {
        if (size + 2 > events.length) {
            events = Arrays.copyOf(events, 2 * events.length);
        }
        int falls = more ? 0 : 1;
        events[size++] = 2 * first + falls;
        events[size++] = 2 * (first + count) + (1 - falls);
    }

    /** Takes a run of clusters whose counts change by the same sum, which is not 0. */
    @FunctionalInterface
    private interface SumVisitor {
        void visit(long first, long count, long sum);
    }

    private void forEachSum(SumVisitor visitor) {
        Arrays.sort(events, 0, size);
        long sum = 0;
        for (int i = 0; i < size; ) {
            long at = events[i] / 2;
            for (; i < size && events[i] / 2 == at; i++) {
                sum += events[i] % 2 == 0 ? 1 : -1;
            }
            if (sum != 0) {
                visitor.visit(at, events[i] / 2 - at, sum); // After the last one it is 0.
            }
        }
    }

    /** Has the blocks read that {@link #applyTo} needs, without waiting for them. */
    void prefetch(Refcounts counts, StorageNode file, Geometry geometry) {
        long[] last = {-1};
        forEachSum(
                (first, count, sum) -> {
                    long index = geometry.refcountTableIndex(first);
                    long block = counts.blockOffset(index);
                    if (block != 0 && index != last[0]) {
                        file.prefetch(block, geometry.clusterSize());
                        last[0] = index;
                    }
                });
    }

    /**
     * Changes counts by the sums.
     *
     * @throws dev.gaur.block.BlockException.Corrupt if one of them cannot be so high or so low
     */
    void applyTo(Refcounts counts) {
        forEachSum(
                (first, count, sum) -> {
                    for (long times = Math.abs(sum); times > 0; times--) {
                        counts.add(first, count, Long.signum(sum));
                    }
                });
    }
}
