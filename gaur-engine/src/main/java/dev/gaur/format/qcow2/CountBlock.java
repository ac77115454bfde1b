package dev.gaur.format.qcow2;

import dev.gaur.block.BlockEvent;
import dev.gaur.block.Durability;
import dev.gaur.block.StorageNode;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.util.BitSet;

/**
 * A refcount block in memory, and which of its sectors the file does not have yet. Ranges of counts
 * are looked at and changed a word of 64 bits at a time: whatever width they have, all counts of a
 * word grow by one if none of them is at its limit.
 */
final class CountBlock {
    private final long hostOffset;
    private final int order;
    private final MemorySegment bytes;
    private final ByteBuffer words;
    private final int perWord;

    /** A word whose counts are all one. */
    private final long ones;

    private final BitSet dirtySectors;

    /**
     * @param bytes its content; kept
     * @param order a count has {@code 1 << order} bits
     */
    CountBlock(long hostOffset, MemorySegment bytes, int order) {
        this.hostOffset = hostOffset;
        this.bytes = bytes;
        // Of its full size, so that noting a change needs no memory.
        this.dirtySectors = new BitSet((int) (bytes.byteSize() / Geometry.SECTOR));
        this.words = bytes.asByteBuffer();
        this.order = order;
        this.perWord = Long.SIZE >>> order;
        this.ones = Long.divideUnsigned(-1, -1L >>> (Long.SIZE - (1 << order)));
    }

    long hostOffset() {
        return hostOffset;
    }

    long get(int index) {
        return RefcountBlock.get(bytes, order, index);
    }

    void set(int index, long count) {
        RefcountBlock.set(bytes, order, index, count);
        dirtySectors.set(sector(index));
    }

    private int sector(int index) {
        return (int) (((long) index << order) / Byte.SIZE / Geometry.SECTOR);
    }

    /**
     * Adds to counts from {@code index} on, up to one that has no room for it.
     *
     * @param delta 1 or -1
     * @return how many were changed
     */
    int add(int index, int count, int delta) {
        int end = index + count;
        int at = index;
        while (at < end) {
            if (isWholeWord(at, end)) {
                long old = word(at);
                if (!hasZero(delta > 0 ? ~old : old)) {
                    words.putLong(wordOffset(at), old + delta * ones);
                    at += perWord;
                    continue;
                }
            }
            long old = get(at);
            if (old == (delta > 0 ? -1L >>> (Long.SIZE - (1 << order)) : 0)) {
                break;
            }
            RefcountBlock.set(bytes, order, at++, old + delta);
        }
        if (at > index) {
            dirtySectors.set(sector(index), sector(at - 1) + 1);
        }
        return at - index;
    }

    private boolean isWholeWord(int at, int end) {
        return (at & (perWord - 1)) == 0 && end - at >= perWord;
    }

    private int wordOffset(int at) {
        return at / perWord * Long.BYTES;
    }

    private long word(int at) {
        return words.getLong(wordOffset(at));
    }

    /** Whether any count of a word is zero: only then a subtraction borrows from its top bit. */
    private boolean hasZero(long word) {
        long tops = ones << ((1 << order) - 1);
        return ((word - ones) & ~word & tops) != 0;
    }

    /** The first index from {@code from} on whose count is zero, or {@code end}. */
    int nextZero(int from, int end) {
        int at = from;
        while (at < end) {
            if (isWholeWord(at, end) && !hasZero(word(at))) {
                at += perWord;
            } else if (get(at) == 0) {
                return at;
            } else {
                at++;
            }
        }
        return end;
    }

    /** The first index from {@code from} on whose count is not {@code small}, or {@code end}. */
    int nextOther(int from, int end, int small) {
        long same = small * ones;
        int at = from;
        while (at < end) {
            if (isWholeWord(at, end) && word(at) == same) {
                at += perWord;
            } else if (get(at) != small) {
                return at;
            } else {
                at++;
            }
        }
        return end;
    }

    /** The first index from {@code from} on whose count is one, or {@code end}. */
    int nextOne(int from, int end) {
        int at = from;
        while (at < end) {
            if (isWholeWord(at, end) && !hasZero(word(at) ^ ones)) {
                at += perWord;
            } else if (get(at) == 1) {
                return at;
            } else {
                at++;
            }
        }
        return end;
    }

    /** Takes the content of a piece of this block, which may be newer than the file's. */
    void absorb(CountBlock piece) {
        long at = piece.hostOffset - hostOffset;
        MemorySegment.copy(piece.bytes, 0, bytes, at, piece.bytes.byteSize());
        int first = (int) (at / Geometry.SECTOR);
        piece.dirtySectors.stream().forEach(sector -> dirtySectors.set(first + sector));
    }

    void markAllDirty() {
        dirtySectors.set(0, (int) (bytes.byteSize() / Geometry.SECTOR));
    }

    boolean isDirty() {
        return !dirtySectors.isEmpty();
    }

    /** Adds the words in which sectors that changed differ from those in the file. */
    void addChanges(StorageNode file, JournalRecords records) {
        for (int from = dirtySectors.nextSetBit(0); from >= 0; ) {
            int end = dirtySectors.nextClearBit(from);
            long at = (long) from * Geometry.SECTOR;
            long length = (long) (end - from) * Geometry.SECTOR;
            MemorySegment old = MemorySegment.ofArray(new byte[(int) length]);
            long present = Math.clamp(file.length() - hostOffset - at, 0, length);
            file.read(hostOffset + at, old.asSlice(0, present));
            records.changedWords(hostOffset + at, old, bytes.asSlice(at, length));
            from = dirtySectors.nextSetBit(end);
        }
    }

    /** Writes the sectors that changed. */
    void writeTo(StorageNode file) {
        for (int from = dirtySectors.nextSetBit(0); from >= 0; ) {
            int end = dirtySectors.nextClearBit(from);
            long at = (long) from * Geometry.SECTOR;
            long length = (long) (end - from) * Geometry.SECTOR;
            file.event(BlockEvent.REFBLOCK_UPDATE_PART);
            file.write(hostOffset + at, bytes.asSlice(at, length), Durability.CACHED);
            from = dirtySectors.nextSetBit(end);
        }
        dirtySectors.clear();
    }
}
