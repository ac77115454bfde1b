package dev.gaur.format.qcow2;

import java.util.Arrays;

/**
 * Which host clusters are taken, as far as that was found out: a bit each, so that an image of 1
 * TiB needs 2 MiB. Finds runs of free clusters from the lowest on; for runs of each power of two it
 * remembers below where there are none. Not safe for many threads.
 */
final class FreeMap {
    private static final int SIZES = 32;

    private long[] taken = new long[64];
    private long known;

    /** Below {@code noneBelow[i]} no run of {@code 1 << i} free clusters begins. */
    private final long[] noneBelow = new long[SIZES];

    /** How many clusters, from the first on, are known. */
    long known() {
        return known;
    }

    /** Makes the clusters up to {@code end} known; those that are new are free. */
    void extend(long end) {
        int words = Math.toIntExact((end + 63) >>> 6);
        if (words > taken.length) {
            taken = Arrays.copyOf(taken, Math.max(words, taken.length + (taken.length >> 1)));
        }
        known = Math.max(known, end);
    }

    boolean isTaken(long cluster) {
        return (taken[(int) (cluster >>> 6)] >>> cluster & 1) != 0;
    }

    /** Takes known clusters. */
    void take(long first, long count) {
        for (long at = first, end = first + count; at < end; at = (at | 63) + 1) {
            taken[(int) (at >>> 6)] |= mask(at, end);
        }
    }

    /** Gives clusters back. */
    void free(long first, long count) {
        for (long at = first, end = first + count; at < end; at = (at | 63) + 1) {
            taken[(int) (at >>> 6)] &= ~mask(at, end);
        }
        for (int i = 0; i < SIZES; i++) {
            // A longer run may begin before.
            noneBelow[i] = Math.min(noneBelow[i], Math.max(0, first - (1L << i)));
        }
    }

    /** The bits, in the word of {@code at}, of the clusters from there to {@code end}. */
    private static long mask(long at, long end) {
        long count = Math.min(64 - (at & 63), end - at);
        return -1L >>> (64 - count) << at;
    }

    /**
     * Finds the lowest run of at least the largest power of two up to {@code wanted} clusters.
     *
     * @param end where known clusters end that may be given
     * @return its first cluster, or -1
     */
    long find(long wanted, long end) {
        int size = 63 - Long.numberOfLeadingZeros(wanted);
        long needed = 1L << size;
        long at = noneBelow[size];
        while (at < end) {
            at = nextFree(at, end);
            long stop = Math.min(end, at + needed);
            long takenAt = nextTaken(at, stop);
            if (takenAt - at >= needed) {
                noneBelow[size] = at;
                return at;
            }
            at = Math.max(takenAt, at + 1);
        }
        noneBelow[size] = Math.max(noneBelow[size], Math.max(0, end - needed));
        return -1;
    }

    /** Finds the lowest run of so many free clusters below {@code end}; -1 if there is none. */
    long findRun(long wanted, long end) {
        int size = 63 - Long.numberOfLeadingZeros(wanted);
        long at = nextFree(noneBelow[size], end);
        while (at + wanted <= end) {
            long takenAt = nextTaken(at, at + wanted);
            if (takenAt == at + wanted) {
                return at;
            }
            at = nextFree(takenAt, end);
        }
        return -1;
    }

    /** How many clusters from a free one on are free, up to {@code most}. */
    long runLength(long first, long most, long end) {
        return nextTaken(first, Math.min(end, first + most)) - first;
    }

    private long nextFree(long from, long end) {
        return next(from, end, 0);
    }

    private long nextTaken(long from, long end) {
        return next(from, end, -1L);
    }

    /** The next cluster whose bit differs from those of {@code flip}'s complement. */
    private long next(long from, long end, long takenWanted) {
        long at = from;
        while (at < end) {
            long word = taken[(int) (at >>> 6)];
            long wanted = (takenWanted == 0 ? ~word : word) >>> at;
            if (wanted != 0) {
                return Math.min(end, at + Long.numberOfTrailingZeros(wanted));
            }
            at = (at | 63) + 1;
        }
        return end;
    }

    /** The number after the last taken cluster. */
    long end() {
        int word = taken.length - 1;
        while (word >= 0 && taken[word] == 0) {
            word--;
        }
        return word < 0 ? 0 : ((long) word << 6) + 64 - Long.numberOfLeadingZeros(taken[word]);
    }
}
