package dev.gaur.format.qcow2;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * By how much counts shall change: runs of clusters, each with one reference more or less, of which
 * only the sum matters. Takes 16 bytes for a run, however long. Not safe for many threads.
 */
final class CountDeltas {
    private static final int START_EVENTS = 64;

    /** Where the sum changes: a cluster, times two, plus one where it falls. */
    private long[] events = new long[START_EVENTS];

    private int size;

    private static final int SUM_WORDS = 3;

    /** Runs of clusters with a sum that is not 0: the first, how many, the sum. */
    private long[] sums = new long[SUM_WORDS * START_EVENTS];

    private int summed;

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
        for (int i = 0; i < summed; i += SUM_WORDS) {
            visitor.visit(sums[i], sums[i + 1], sums[i + 2]);
        }
    }

    /** Works out the sums, when all is added. */
    void sum() {
        Arrays.sort(events, 0, size);
        long sum = 0;
        for (int i = 0; i < size; ) {
            long at = events[i] / 2;
            for (; i < size && events[i] / 2 == at; i++) {
                sum += events[i] % 2 == 0 ? 1 : -1;
            }
            if (sum != 0) {
                putSum(at, events[i] / 2 - at, sum); // After the last one it is 0.
            }
        }
    }

    private void putSum(long first, long count, long sum) {
        if (summed == sums.length) {
            sums = Arrays.copyOf(sums, 2 * summed);
        }
        sums[summed++] = first;
        sums[summed++] = count;
        sums[summed++] = sum;
    }

    /** Has the counts read that {@link #applyTo} changes. */
    void load(Refcounts counts) {
        List<long[]> runs = new ArrayList<>();
        forEachSum((first, count, _) -> runs.add(new long[] {first, first + count}));
        counts.loadPieces(runs);
    }

    /** How many clusters have references less than before. */
    long lessReferenced() {
        long[] clusters = {0};
        forEachSum((first, count, sum) -> clusters[0] += sum < 0 ? count : 0);
        return clusters[0];
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
