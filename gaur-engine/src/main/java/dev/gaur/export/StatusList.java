package dev.gaur.export;

import dev.gaur.bitmap.DirtyBitmap;
import dev.gaur.block.BlockIo;
import dev.gaur.block.Extent;
import dev.gaur.mem.Bytes;
import dev.gaur.nbd.Nbd;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;

/**
 * The status of a range in one context: lengths and flags, in order, neighbours of one kind joined.
 * For one thread.
 */
final class StatusList {
    private final int most;
    private final long lengthMax;
    private long[] lengths = new long[16];
    private long[] flags = new long[16];
    private int count;

    private StatusList(int most, long lengthMax) {
        this.most = most;
        this.lengthMax = lengthMax;
    }

    /**
     * Looks at a range.
     *
     * @param most how many extents to tell; the range may end early then
     * @param wide whether lengths take 64 bits
     */
    static StatusList of(
            StatusContext context, BlockIo disk, long offset, long length, int most, boolean wide) {
        StatusList list = new StatusList(most, wide ? Long.MAX_VALUE : 0xffff_ffffL);
        switch (context) {
            case StatusContext.Allocation _ ->
                    disk.extents(offset, length, it -> list.add(it.length(), allocationFlags(it)));
            case StatusContext.Depth _ ->
                    disk.extents(offset, length, it -> list.add(it.length(), depth(it)));
            case StatusContext.Dirty dirty ->
                    list.addBits(dirty.content().get(), dirty.start() + offset, length);
        }
        return list;
    }

    private static long allocationFlags(Extent extent) {
        return switch (extent) {
            case Extent.Data data -> data.readsAsZero() ? Nbd.STATE_ZERO : 0; // Takes up room.
            case Extent.Encoded _ -> 0;
            case Extent.Zero _, Extent.Unallocated _ -> Nbd.STATE_HOLE | Nbd.STATE_ZERO;
        };
    }

    private static long depth(Extent extent) {
        return extent instanceof Extent.Unallocated ? 0 : extent.depth() + 1L;
    }

    /** Bits may be set meanwhile. */
    private void addBits(DirtyBitmap bitmap, long offset, long length) {
        long granularity = bitmap.granularity();
        long end = Math.min(offset + length, bitmap.length());
        long at = offset;
        boolean goOn = true;
        while (at < end && goOn) {
            boolean dirty = bitmap.isSet(at);
            long bit = bitmap.nextBit(!dirty, at / granularity + 1);
            long next = bit >= bitmap.bits() ? end : Math.min(end, bit * granularity);
            goOn = add(next - at, dirty ? Nbd.STATE_DIRTY : 0);
            at = next;
        }
        if (goOn && at < offset + length) {
            add(offset + length - at, Nbd.STATE_DIRTY);
        }
    }

    /** Adds an extent; returns whether there is room for another. */
    private boolean add(long length, long kind) {
        long left = length;
        if (count > 0 && flags[count - 1] == kind) {
            long more = Math.min(left, lengthMax - lengths[count - 1]);
            lengths[count - 1] += more;
            left -= more;
        }
        while (left > 0 && count < most) {
            if (count == lengths.length) {
                lengths = Arrays.copyOf(lengths, 2 * count);
                flags = Arrays.copyOf(flags, 2 * count);
            }
            lengths[count] = Math.min(left, lengthMax);
            flags[count] = kind;
            left -= lengths[count++];
        }
        return left == 0; // The next may belong to the last one.
    }

    int count() {
        return count;
    }

    long length(int index) {
        return lengths[index];
    }

    long flags(int index) {
        return flags[index];
    }

    /** Returns how many bytes {@link #put} needs. */
    static long bytes(int count, boolean wide) {
        return wide ? 8 + 16L * count : 4 + 8L * count;
    }

    /** Writes the payload of a status chunk. */
    void put(MemorySegment target, int id, boolean wide) {
        Bytes.putU32(target, 0, id);
        if (wide) {
            Bytes.putU32(target, 4, count);
        }
        for (int i = 0; i < count; i++) {
            if (wide) {
                Bytes.putU64(target, 8 + 16L * i, lengths[i]);
                Bytes.putU64(target, 16 + 16L * i, flags[i]);
            } else {
                Bytes.putU32(target, 4 + 8L * i, lengths[i]);
                Bytes.putU32(target, 8 + 8L * i, flags[i]);
            }
        }
    }
}
