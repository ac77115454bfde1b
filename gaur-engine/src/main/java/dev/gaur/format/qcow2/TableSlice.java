package dev.gaur.format.qcow2;

import org.jspecify.annotations.Nullable;

/**
 * A piece of an L2 table in memory. Immutable. A piece whose entries all follow from the first, as
 * in preallocated and in sequentially written images, takes a few bytes instead of an array: so the
 * tables of a preallocated image of 1 TiB fit in a few MiB; one of a few such sequences is not much
 * larger ({@link EntryRuns}).
 */
final class TableSlice {
    /** Bytes that an object of this class takes without its array, about. */
    private static final int OBJECT_BYTES = 48;

    /** Nothing is mapped: what stands for a table that does not exist. */
    static final TableSlice EMPTY = new TableSlice(0, 0, 0);

    private final long first;
    private final long step;
    private final long bitmap;
    private final long @Nullable [] words;
    private final int wordShift;

    /** How many runs the words are the short form of; 0 if they are the entries. */
    private final int runs;

    /** Set by hits, cleared by the cache's clock; races on it lose a hint and nothing else. */
    private boolean used;

    /**
     * A slice whose entry i is {@code first + i * step}, all with one subcluster bitmap; without
     * subclusters the one that says that all is allocated.
     */
    private TableSlice(long first, long step, long bitmap) {
        this.first = first;
        this.step = step;
        this.bitmap = bitmap;
        this.words = null;
        this.wordShift = 0;
        this.runs = 0;
    }

    private TableSlice(long[] words, int wordShift, int runs, int clusterSize) {
        this.first = 0;
        this.step = clusterSize;
        this.bitmap = 0;
        this.words = words;
        this.wordShift = wordShift;
        this.runs = runs;
    }

    /**
     * Makes a slice of decoded entries.
     *
     * @param words the entries; with extended entries each is followed by its subcluster bitmap.
     *     Not copied, not to be changed
     */
    static TableSlice of(long[] words, Geometry geometry) {
        int shift = geometry.extendedL2() ? 1 : 0;
        int entries = words.length >>> shift;
        long first = words[0];
        long step = entries > 1 ? words[1 << shift] - first : 0;
        long bitmap = shift == 0 ? L2Entry.ALL_SUBCLUSTERS_ALLOCATED : words[1];
        if (step != 0 && step != geometry.clusterSize()) {
            return ofRuns(words, geometry);
        }
        for (int i = 0; i < entries; i++) {
            boolean follows = words[i << shift] == first + i * step;
            if (!follows || (shift != 0 && words[(i << 1) + 1] != bitmap)) {
                return ofRuns(words, geometry);
            }
        }
        // A sequence that runs out of the offset's bits is none.
        boolean contiguous = ((first ^ words[(entries - 1) << shift]) & ~L2Entry.OFFSET_MASK) == 0;
        return contiguous ? new TableSlice(first, step, bitmap) : ofRuns(words, geometry);
    }

    /** The same without looking for sequences: for entries that are about to change again. */
    static TableSlice changing(long[] words, Geometry geometry) {
        return new TableSlice(words, geometry.extendedL2() ? 1 : 0, 0, geometry.clusterSize());
    }

    private static TableSlice ofRuns(long[] words, Geometry geometry) {
        int clusterSize = geometry.clusterSize();
        if (geometry.extendedL2()) {
            return new TableSlice(words, 1, 0, clusterSize);
        }
        long[] packed = EntryRuns.pack(words, clusterSize);
        return packed == null
                ? new TableSlice(words, 0, 0, clusterSize)
                : new TableSlice(packed, 0, EntryRuns.runs(packed), clusterSize);
    }

    /** Returns the entries, and bitmaps if there are any, as {@link #of} takes them. */
    long[] toWords(Geometry geometry) {
        if (words != null && runs == 0) {
            return words.clone();
        }
        int shift = geometry.extendedL2() ? 1 : 0;
        long[] all = new long[geometry.sliceEntries() << shift];
        for (int i = 0; i < geometry.sliceEntries(); i++) {
            all[i << shift] = entry(i);
            if (shift != 0) {
                all[(i << 1) + 1] = bitmap;
            }
        }
        return all;
    }

    /** The entry at an index of the slice. */
    long entry(int index) {
        if (words == null) {
            return first + index * step;
        }
        return runs == 0
                ? words[index << wordShift]
                : EntryRuns.entry(words, runs, index, (int) step);
    }

    /** The subcluster bitmap of an extended entry. */
    long bitmap(int index) {
        return words == null ? bitmap : words[(index << 1) + 1];
    }

    /** Whether each entry follows from the one before and all bitmaps are equal. */
    boolean isSequence() {
        return words == null;
    }

    /**
     * Up to where the entries from an index on follow from that one, as far as that is known
     * without looking at them.
     *
     * @param growing each by a cluster; else all are equal
     * @param entries of the slice
     * @return the index behind the last, at least {@code index + 1}
     */
    int followUntil(int index, boolean growing, int entries) {
        if (words == null) {
            return growing == (step != 0) ? entries : index + 1;
        }
        return runs == 0 ? index + 1 : EntryRuns.followUntil(words, runs, index, growing, entries);
    }

    /**
     * Where the first cluster lies if the slice is nothing but allocated data in one piece, which
     * the host offsets of all its clusters follow from; else 0.
     */
    long place() {
        boolean data =
                words == null
                        && step != 0
                        && (first & ~(L2Entry.OFFSET_MASK | L2Entry.COPIED)) == 0
                        && L2Entry.hostOffset(first) % step == 0
                        && bitmap == L2Entry.ALL_SUBCLUSTERS_ALLOCATED;
        return data ? L2Entry.hostOffset(first) : 0;
    }

    /** What the slice takes in memory, about, in bytes. */
    int memory() {
        return OBJECT_BYTES + (words == null ? 0 : 16 + words.length * Long.BYTES);
    }

    void markUsed() {
        if (!used) {
            used = true;
        }
    }

    /** Tells whether the slice was used since the last call. */
    boolean clearUsed() {
        boolean was = used;
        used = false;
        return was;
    }
}
