package dev.gaur.testkit;

import dev.gaur.block.BlockException;
import dev.gaur.block.Durability;
import dev.gaur.block.StorageNode;
import dev.gaur.block.ZeroMode;
import java.lang.foreign.MemorySegment;
import java.util.BitSet;

/**
 * A sparse file on a disk that gets full: bytes that have space may always be written again, all
 * others need some that is left. What does not fit fails with nothing done. For one thread.
 */
public final class FullDisk extends StorageWrapper {
    private static final int SECTOR = 512;
    private static final int ENOSPC = 28;

    private final BitSet allocated = new BitSet();
    private long limit;
    private long refusals;

    /**
     * A disk that has just enough space.
     *
     * @param real all of which has space
     */
    public FullDisk(StorageNode real) {
        super(real);
        allocated.set(0, sectors(real.length()));
        limit = allocated.cardinality();
    }

    /** Frees space for so many bytes more. */
    public void grow(long bytes) {
        limit += sectors(bytes);
    }

    /** Returns how many requests found the disk full. */
    public long refusals() {
        return refusals;
    }

    private static int sectors(long bytes) {
        return Math.toIntExact((bytes + SECTOR - 1) / SECTOR);
    }

    private void allocate(long offset, long length) {
        BitSet wanted = new BitSet();
        wanted.set((int) (offset / SECTOR), sectors(offset + length));
        wanted.andNot(allocated);
        if (allocated.cardinality() + wanted.cardinality() > limit) {
            refusals++;
            throw new BlockException.Media(
                    name(), "write", offset, "No space left on device", ENOSPC, null);
        }
        allocated.or(wanted);
    }

    private void free(long offset, long length) {
        int from = sectors(offset);
        allocated.clear(from, Math.max(from, (int) ((offset + length) / SECTOR)));
    }

    @Override
    public void write(long offset, MemorySegment source, Durability durability) {
        allocate(offset, source.byteSize());
        super.write(offset, source, durability);
    }

    @Override
    public void zero(long offset, long length, ZeroMode mode, Durability durability) {
        if (mode.unmaps()) {
            free(offset, length);
        } else {
            allocate(offset, length);
        }
        super.zero(offset, length, mode, durability);
    }

    @Override
    public void discard(long offset, long length) {
        free(offset, length);
        super.discard(offset, length);
    }

    @Override
    public void resize(long newLength) {
        if (newLength < length()) {
            allocated.clear(sectors(newLength), Math.max(sectors(newLength), allocated.length()));
        }
        super.resize(newLength);
    }
}
