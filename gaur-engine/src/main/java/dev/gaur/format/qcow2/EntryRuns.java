package dev.gaur.format.qcow2;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * A short form of table entries that go on in a few runs, each of equal entries or of entries whose
 * clusters follow each other: what an image has that was written in large pieces, or hardly at all.
 * Static, over an array of longs: an object more would be a miss of the processor's cache more.
 *
 * <p>The array has the first entry of each run, then for each run 16 bits: the index where it
 * begins, doubled, plus one if its clusters follow each other.
 */
final class EntryRuns {
    /** More take longer to search than they save. */
    private static final int RUNS_MAX = 32;

    private static final int LANES = Long.SIZE / Short.SIZE;

    private EntryRuns() {}

    /**
     * Makes the short form.
     *
     * @param entries at most 2^15
     * @return null if there are too many runs
     */
    static long @Nullable [] pack(long[] entries, int clusterSize) {
        long[] firsts = new long[RUNS_MAX];
        int[] lanes = new int[RUNS_MAX];
        int runs = 0;
        for (int start = 0; start < entries.length; ) {
            if (runs == RUNS_MAX) {
                return null;
            }
            long step = step(entries, start, clusterSize);
            int end = start + 1;
            while (end < entries.length && follows(entries[end - 1], entries[end], step)) {
                end++;
            }
            firsts[runs] = entries[start];
            lanes[runs++] = start << 1 | (step == 0 ? 0 : 1);
            start = end;
        }
        long[] packed = Arrays.copyOf(firsts, runs + (runs + LANES - 1) / LANES);
        for (int run = 0; run < runs; run++) {
            packed[runs + run / LANES] |= (long) lanes[run] << (run % LANES * Short.SIZE);
        }
        return packed;
    }

    /** By how much the entries of a run grow that begins at {@code start}. */
    private static long step(long[] entries, int start, int clusterSize) {
        boolean grows =
                start + 1 < entries.length
                        && follows(entries[start], entries[start + 1], clusterSize);
        return grows ? clusterSize : 0;
    }

    /** Also says no to an offset that runs out of its bits. */
    private static boolean follows(long entry, long next, long step) {
        return next == entry + step && ((entry ^ next) & ~L2Entry.OFFSET_MASK) == 0;
    }

    /** How many runs a short form has. */
    static int runs(long[] packed) {
        return packed.length * LANES / (LANES + 1);
    }

    private static int lane(long[] packed, int runs, int run) {
        return (int) (packed[runs + run / LANES] >>> (run % LANES * Short.SIZE)) & 0xffff;
    }

    /** The run that an index lies in. */
    private static int runOf(long[] packed, int runs, int index) {
        int low = 0;
        int high = runs;
        while (high - low > 1) {
            int middle = (low + high) >>> 1;
            if (lane(packed, runs, middle) >>> 1 <= index) {
                low = middle;
            } else {
                high = middle;
            }
        }
        return low;
    }

    /** The entry at an index. */
    static long entry(long[] packed, int runs, int index, int clusterSize) {
        int run = runOf(packed, runs, index);
        int lane = lane(packed, runs, run);
        return packed[run] + (long) (lane & 1) * (index - (lane >>> 1)) * clusterSize;
    }

    /**
     * Up to where the entries from an index on follow from that one.
     *
     * @param growing each by a cluster; else all are equal
     * @param entries how many there are
     * @return the index behind the last, at least {@code index + 1}
     */
    static int followUntil(long[] packed, int runs, int index, boolean growing, int entries) {
        int run = runOf(packed, runs, index);
        boolean grows = (lane(packed, runs, run) & 1) != 0;
        if (grows != growing) {
            return index + 1;
        }
        return run + 1 == runs ? entries : lane(packed, runs, run + 1) >>> 1;
    }
}
