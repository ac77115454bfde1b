package dev.gaur.verify.check;

import dev.gaur.block.Durability;
import dev.gaur.block.ExtentVisitor;
import dev.gaur.block.Limits;
import dev.gaur.block.StorageNode;
import dev.gaur.block.ZeroMode;
import dev.gaur.mem.Bytes;
import java.lang.foreign.MemorySegment;
import java.util.function.LongPredicate;

/**
 * A preallocated image of any size that takes no space: its bytes are computed as they are read,
 * and what is written is forgotten. Clusters in this order: header, refcount table, refcount
 * blocks, L1, L2 tables, data.
 */
final class HugeImage implements StorageNode {
    private static final long MAGIC = 0x5146_49fbL;
    private static final long COPIED = 1L << 63;
    private static final int BITS = 16;
    private static final int CLUSTER = 1 << BITS;
    private static final int ENTRIES = CLUSTER / Long.BYTES;

    private final long size;
    private final long l2Tables;
    private final long blocks;
    private final long blockStart;
    private final long l1Start;
    private final long l2Start;
    private final long dataStart;
    private final long clusters;
    private final LongPredicate lost;
    private long writtenBytes;
    private long newLength;

    HugeImage(long size) {
        this(size, _ -> false);
    }

    /**
     * @param lost which refcount blocks, by number, are all zeros
     */
    HugeImage(long size, LongPredicate lost) {
        this.lost = lost;
        this.size = size;
        this.l2Tables = (size >> BITS) / ENTRIES;
        long counted = (size >> BITS) + l2Tables;
        this.blocks = counted / (CLUSTER / 2) + 2;
        this.blockStart = 1 + (blocks + ENTRIES - 1) / ENTRIES;
        this.l1Start = blockStart + blocks;
        this.l2Start = l1Start + (l2Tables + ENTRIES - 1) / ENTRIES;
        this.dataStart = l2Start + l2Tables;
        this.clusters = dataStart + (size >> BITS);
    }

    @Override
    public long length() {
        return Math.max(newLength, clusters << BITS);
    }

    /** How many bytes were written. */
    long writtenBytes() {
        return writtenBytes;
    }

    @Override
    public void read(long offset, MemorySegment target) {
        for (long done = 0; done < target.byteSize(); done += Long.BYTES) {
            Bytes.putU64(target, done, number(offset + done));
        }
    }

    private long number(long offset) {
        long cluster = offset >> BITS;
        long index = (offset & (CLUSTER - 1)) / Long.BYTES;
        if (cluster == 0) {
            return header((int) offset);
        }
        if (cluster < blockStart) {
            long block = (cluster - 1) * ENTRIES + index;
            return block < blocks ? (blockStart + block) << BITS : 0;
        }
        if (cluster < l1Start && lost.test(cluster - blockStart)) {
            return 0;
        }
        if (cluster < l1Start) {
            long first = ((cluster - blockStart) * ENTRIES + index) * 4;
            long inUse = Math.clamp(clusters - first, 0, 4);
            return inUse == 0 ? 0 : 0x0001_0001_0001_0001L << (16 * (4 - inUse));
        }
        if (cluster < l2Start) {
            long table = (cluster - l1Start) * ENTRIES + index;
            return table < l2Tables ? ((l2Start + table) << BITS) | COPIED : 0;
        }
        return ((dataStart + (cluster - l2Start) * ENTRIES + index) << BITS) | COPIED;
    }

    private long header(int offset) {
        return switch (offset) {
            case 0 -> (MAGIC << 32) | 3;
            case 16 -> BITS;
            case 24 -> size;
            case 32 -> l2Tables;
            case 40 -> l1Start << BITS;
            case 48 -> 1 << BITS;
            case 56 -> (blockStart - 1) << 32;
            case 96 -> (4L << 32) | 112;
            default -> 0;
        };
    }

    @Override
    public String name() {
        return "huge";
    }

    @Override
    public boolean writable() {
        return true;
    }

    @Override
    public Limits limits() {
        return Limits.NONE;
    }

    @Override
    public long allocatedBytes() {
        return 0;
    }

    @Override
    public void close() {}

    @Override
    public void flush() {}

    @Override
    public void resize(long longer) {
        newLength = longer;
    }

    @Override
    public void write(long offset, MemorySegment source, Durability durability) {
        writtenBytes += source.byteSize();
        newLength = Math.max(newLength, offset + source.byteSize());
    }

    @Override
    public void zero(long offset, long length, ZeroMode mode, Durability durability) {
        throw new UnsupportedOperationException();
    }

    @Override
    public void discard(long offset, long length) {
        throw new UnsupportedOperationException();
    }

    @Override
    public void extents(long offset, long length, ExtentVisitor visitor) {
        throw new UnsupportedOperationException();
    }
}
