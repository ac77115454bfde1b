package dev.gaur.format.qcow2;

import dev.gaur.mem.Bytes;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;

/**
 * Records of the journal: numbers of 64 bits, the first of each record with its kind in the highest
 * byte and how many follow in the others. Not safe for many threads.
 *
 * <p>Source: {@code docs/JOURNAL.md}.
 */
final class JournalRecords {
    /** A slice of an L2 table changes: its number, then what it referred to, in runs. */
    static final int SLICE = 1;

    /** An L1 entry changes: its index, and which table it led to, or 0. */
    static final int TABLE = 2;

    /** There will be a refcount block: its number, and in which cluster. */
    static final int BLOCK = 3;

    /** Equal words of counts, or of the refcount table: host offset, how many, the word. */
    static final int WORDS = 4;

    private static final int KIND_SHIFT = 56;
    private static final int START_WORDS = 64;

    private long[] words = new long[START_WORDS];
    private int size;

    /** The kind of the record that begins with a word. */
    static int kind(long head) {
        return (int) (head >>> KIND_SHIFT);
    }

    /** How many words follow the one with which a record begins. */
    static long length(long head) {
        return head & (1L << KIND_SHIFT) - 1;
    }

    private void put(long word) {
        if (size == words.length) {
            words = Arrays.copyOf(words, 2 * size);
        }
        words[size++] = word;
    }

    private void begin(int kind, long length) {
        put((long) kind << KIND_SHIFT | length);
    }

    /** Adds what a slice refers to before its first change. */
    void slice(long number, ReferenceRuns old) {
        begin(SLICE, 1 + old.words().length);
        put(number);
        for (long each : old.words()) {
            put(each);
        }
    }

    /** Adds an L1 entry before its first change. */
    void table(int l1Index, long old) {
        begin(TABLE, 2);
        put(l1Index);
        put(old);
    }

    /** Adds where a block of counts will be. */
    void block(int index, long cluster) {
        begin(BLOCK, 2);
        put(index);
        put(cluster);
    }

    /** Adds words as they will be. */
    void words(long hostOffset, long count, long word) {
        begin(WORDS, 3);
        put(hostOffset);
        put(count);
        put(word);
    }

    /**
     * Adds those words in which two states differ.
     *
     * @param hostOffset where they lie in the file
     * @param now a multiple of 8 bytes, as many as {@code old}
     */
    void changedWords(long hostOffset, MemorySegment old, MemorySegment now) {
        long at = old.mismatch(now);
        while (at >= 0) {
            at &= -Long.BYTES;
            long word = Bytes.u64(now, at);
            long end = at + Long.BYTES;
            while (end < now.byteSize()
                    && Bytes.u64(now, end) == word
                    && Bytes.u64(old, end) != word) {
                end += Long.BYTES;
            }
            words(hostOffset + at, (end - at) / Long.BYTES, word);
            long from = end;
            long next = old.asSlice(from).mismatch(now.asSlice(from));
            at = next < 0 ? -1 : from + next;
        }
    }

    /** Adds all of others behind these. */
    void addAll(JournalRecords others) {
        for (int i = 0; i < others.size; i++) {
            put(others.words[i]);
        }
    }

    boolean isEmpty() {
        return size == 0;
    }

    long bytes() {
        return (long) size * Long.BYTES;
    }

    /** Stores all from an offset of a segment on. */
    void copyTo(MemorySegment target, long offset) {
        Bytes.putU64(target, offset, words, 0, size);
    }
}
