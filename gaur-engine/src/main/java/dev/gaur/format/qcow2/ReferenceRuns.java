package dev.gaur.format.qcow2;

import java.util.Arrays;

/**
 * Which host clusters entries of L2 tables refer to: runs, each a first cluster and how many, in
 * the order of the entries. A cluster is in it as often as it is referred to.
 *
 * <p>Source: the specification, "Cluster mapping".
 */
final class ReferenceRuns {
    private static final int START_WORDS = 8;

    private final Geometry geometry;
    private long[] runs = new long[START_WORDS];
    private int size;

    ReferenceRuns(Geometry geometry) {
        this.geometry = geometry;
    }

    /** Adds what an entry refers to, if anything. */
    void addEntry(long entry) {
        if (L2Entry.isCompressed(entry)) {
            int bits = geometry.clusterBits();
            long offset = L2Entry.compressedOffset(entry, bits);
            long end = offset + L2Entry.compressedBytes(entry, bits);
            long first = geometry.clusterIndex(offset);
            add(first, geometry.clusterIndex(end - 1) - first + 1);
        } else if (L2Entry.hostOffset(entry) != 0) {
            add(geometry.clusterIndex(L2Entry.hostOffset(entry)), 1);
        }
    }

    /**
     * Adds what entries refer to.
     *
     * @param words of a table; every {@code step}th is an entry
     */
    void addAll(long[] words, int count, int step) {
        for (int i = 0; i < count; ) {
            addEntry(words[i]);
            i += step;
            if (size > 0) { // Nearly always in sequence.
                int end = endOfSequence(words, i, count, step);
                runs[size - 1] += (end - i) / step;
                i = end;
            }
        }
    }

    /** How far entries refer to what follows the last run. */
    private int endOfSequence(long[] words, int from, int count, int step) {
        long next = geometry.clusterOffset(runs[size - 2] + runs[size - 1]);
        int at = from;
        while (at < count && (words[at] & PLACE) == next) {
            next += geometry.clusterSize();
            at += step;
        }
        return at;
    }

    private static final long PLACE = L2Entry.OFFSET_MASK | L2Entry.COMPRESSED;

    /** Adds what all entries of a slice refer to. */
    ReferenceRuns addAll(TableSlice slice) {
        for (int i = 0; i < geometry.sliceEntries(); i++) {
            addEntry(slice.entry(i));
        }
        return this;
    }

    private void add(long first, long count) {
        if (size > 0 && runs[size - 2] + runs[size - 1] == first) {
            runs[size - 1] += count;
            return;
        }
        if (size == runs.length) {
            runs = Arrays.copyOf(runs, 2 * size);
        }
        runs[size++] = first;
        runs[size++] = count;
    }

    /** First clusters and lengths in turns. */
    long[] words() {
        return Arrays.copyOf(runs, size);
    }
}
