package dev.gaur.format.qcow2;

import dev.gaur.block.Durability;
import dev.gaur.block.StorageNode;
import java.lang.foreign.MemorySegment;
import java.util.BitSet;

/** A refcount block in memory, and which of its sectors the file does not have yet. */
final class CountBlock {
    private final long hostOffset;
    private final int order;
    private final MemorySegment bytes;
    private final BitSet dirtySectors = new BitSet();
    private long used;

    /**
     * @param bytes its content; kept
     * @param order a count has {@code 1 << order} bits
     */
    CountBlock(long hostOffset, MemorySegment bytes, int order) {
        this.hostOffset = hostOffset;
        this.bytes = bytes;
        this.order = order;
    }

    long hostOffset() {
        return hostOffset;
    }

    long get(int index) {
        return RefcountBlock.get(bytes, order, index);
    }

    void set(int index, long count) {
        RefcountBlock.set(bytes, order, index, count);
        dirtySectors.set((int) (((long) index << order) / 8 / Geometry.SECTOR));
    }

    void markAllDirty() {
        dirtySectors.set(0, (int) (bytes.byteSize() / Geometry.SECTOR));
    }

    boolean isDirty() {
        return !dirtySectors.isEmpty();
    }

    /** When it was last used, by its cache's count of uses. */
    long used() {
        return used;
    }

    void setUsed(long now) {
        used = now;
    }

    /** Writes the sectors that changed. */
    void writeTo(StorageNode file) {
        for (int from = dirtySectors.nextSetBit(0); from >= 0; ) {
            int end = dirtySectors.nextClearBit(from);
            long at = (long) from * Geometry.SECTOR;
            long length = (long) (end - from) * Geometry.SECTOR;
            file.write(hostOffset + at, bytes.asSlice(at, length), Durability.CACHED);
            from = dirtySectors.nextSetBit(end);
        }
        dirtySectors.clear();
    }
}
