package dev.gaur.format.qcow2;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * A piece of an L2 table in memory. Immutable. A piece whose entries all follow from the first, as
 * in preallocated and in sequentially written images, takes a few bytes instead of an array: so the
 * tables of a preallocated image of 1 TiB fit in a few MiB; one of a few such sequences is not much
 * larger ({@link EntryRuns}). One that was changed shares all sectors but those with the changes
 * with the one it was before.
 */
final class TableSlice {
    /** Bytes that an object of this class takes without its array, about. */
    private static final int OBJECT_BYTES = 48;

    /** Bytes that an array takes without its elements. */
    private static final int ARRAY_BYTES = 16;

    /** Bytes that a sector takes, and the reference to it. */
    private static final int SECTOR_BYTES = Long.BYTES + ARRAY_BYTES + Geometry.SECTOR;

    private static final int SECTOR_WORDS = Geometry.SECTOR / Long.BYTES;

    /** Nothing is mapped: what stands for a table that does not exist. */
    static final TableSlice EMPTY = new TableSlice(0, 0, 0);

    private final long first;
    private final long step;
    private final long bitmap;
    private final long @Nullable [] words;
    private final int wordShift;

    /** The entries of a slice that was changed, instead of {@code words}. */
    private final long @Nullable [][] sectors;

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
        this.sectors = null;
        this.wordShift = 0;
        this.runs = 0;
    }

    private TableSlice(long[] words, int wordShift, int runs, int clusterSize) {
        this.first = 0;
        this.step = clusterSize;
        this.bitmap = 0;
        this.words = words;
        this.sectors = null;
        this.wordShift = wordShift;
        this.runs = runs;
    }

    private TableSlice(long[][] sectors, int wordShift, int clusterSize) {
        this.first = 0;
        this.step = clusterSize;
        this.bitmap = 0;
        this.words = null;
        this.sectors = sectors;
        this.wordShift = wordShift;
        this.runs = 0;
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

    /**
     * Makes a slice of this one's entries and others. Does not look for sequences: it is about to
     * change again.
     *
     * @param index of the first of the others
     * @param others as {@link #of} takes them; copied
     */
    TableSlice with(int index, long[] others, Geometry geometry) {
        int shift = geometry.extendedL2() ? 1 : 0;
        long[][] old = sectors;
        long[][] now = old == null ? split(toWords(geometry)) : old.clone();
        int start = index << shift;
        for (int done = 0; done < others.length; ) {
            int sector = (start + done) / SECTOR_WORDS;
            int from = (start + done) % SECTOR_WORDS;
            int count = Math.min(SECTOR_WORDS - from, others.length - done);
            long[] changed = old == null ? now[sector] : old[sector].clone();
            System.arraycopy(others, done, changed, from, count);
            now[sector] = changed;
            done += count;
        }
        return new TableSlice(now, shift, geometry.clusterSize());
    }

    private static long[][] split(long[] words) {
        long[][] sectors = new long[words.length / SECTOR_WORDS][];
        for (int i = 0; i < sectors.length; i++) {
            sectors[i] = Arrays.copyOfRange(words, i * SECTOR_WORDS, (i + 1) * SECTOR_WORDS);
        }
        return sectors;
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
        if (sectors != null) {
            return joined(sectors);
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

    private static long[] joined(long[][] sectors) {
        long[] words = new long[sectors.length * SECTOR_WORDS];
        for (int i = 0; i < sectors.length; i++) {
            System.arraycopy(sectors[i], 0, words, i * SECTOR_WORDS, SECTOR_WORDS);
        }
        return words;
    }

    /** The entry at an index of the slice. */
    long entry(int index) {
        if (words == null) {
            return sectors == null ? first + index * step : word(sectors, index << wordShift);
        }
        return runs == 0
                ? words[index << wordShift]
                : EntryRuns.entry(words, runs, index, (int) step);
    }

    /** The subcluster bitmap of an extended entry. */
    long bitmap(int index) {
        if (words == null) {
            return sectors == null ? bitmap : word(sectors, (index << 1) + 1);
        }
        return words[(index << 1) + 1];
    }

    private static long word(long[][] sectors, int index) {
        return sectors[index / SECTOR_WORDS][index % SECTOR_WORDS];
    }

    /** Whether each entry follows from the one before and all bitmaps are equal. */
    boolean isSequence() {
        return words == null && sectors == null;
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
        if (isSequence()) {
            return growing == (step != 0) ? entries : index + 1;
        }
        return words == null || runs == 0
                ? index + 1
                : EntryRuns.followUntil(words, runs, index, growing, entries);
    }

    /**
     * Where the first cluster lies if the slice is nothing but allocated data in one piece, which
     * the host offsets of all its clusters follow from; else 0.
     */
    long place() {
        boolean data =
                isSequence()
                        && step != 0
                        && (first & ~(L2Entry.OFFSET_MASK | L2Entry.COPIED)) == 0
                        && L2Entry.hostOffset(first) % step == 0
                        && bitmap == L2Entry.ALL_SUBCLUSTERS_ALLOCATED;
        return data ? L2Entry.hostOffset(first) : 0;
    }

    /** What the slice takes in memory, about, in bytes. */
    int memory() {
        if (sectors != null) {
            return OBJECT_BYTES + ARRAY_BYTES + sectors.length * SECTOR_BYTES;
        }
        return OBJECT_BYTES + (words == null ? 0 : ARRAY_BYTES + words.length * Long.BYTES);
    }

    /** The same of a slice in which nothing follows from anything else, as it is loaded. */
    static int memoryMost(Geometry geometry) {
        return OBJECT_BYTES + ARRAY_BYTES + geometry.sliceBytes();
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
