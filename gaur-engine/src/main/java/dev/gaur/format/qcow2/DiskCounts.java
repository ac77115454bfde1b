package dev.gaur.format.qcow2;

import dev.gaur.block.BlockException;
import dev.gaur.mem.Bytes;
import java.lang.foreign.MemorySegment;
import java.util.BitSet;

/**
 * The reference counts that an image stores. Of each cluster one bit is kept, whether its count is
 * one: that is all that the check of COPIED flags wants, and all there is to compare where no count
 * is larger. Other counts are read again when somebody asks. Not safe for use by several threads.
 */
final class DiskCounts {
    /** As in {@link ReferenceCounts}, which this is compared with. */
    private static final int CHUNK = ReferenceCounts.CHUNK;

    private final MetadataReader reader;
    private final Geometry geometry;
    private final long[] table;
    private final long[][] ones;
    private final BitSet mixed = new BitSet();
    private boolean unreadable;
    private final long[] numbers;
    private final MemorySegment block;
    private long blockOffset = -1;

    /**
     * @param table the refcount table
     * @param clusters how many clusters the file has
     */
    DiskCounts(MetadataReader reader, Geometry geometry, long[] table, long clusters) {
        this.reader = reader;
        this.geometry = geometry;
        this.table = table;
        this.ones = new long[Math.toIntExact((clusters + CHUNK - 1) / CHUNK)][];
        this.numbers = new long[geometry.tableEntriesPerCluster()];
        this.block = MemorySegment.ofArray(new byte[geometry.clusterSize()]);
    }

    /** Reads all blocks that count clusters of the file. */
    void load() {
        long clusters = (long) ones.length * CHUNK;
        int perBlock = geometry.refcountsPerBlock();
        for (long first = 0; first < clusters; first += perBlock) {
            int count = (int) Math.min(perBlock, clusters - first);
            try {
                long offset = offsetOfBlock(first);
                if (offset != 0) {
                    MemorySegment bytes = reader.read(offset, geometry.clusterSize());
                    Bytes.copyU64(bytes, 0, numbers, 0, numbers.length);
                    loadBlock(first, count, bytes);
                }
            } catch (BlockException _) {
                unreadable = true;
                for (long each = first / CHUNK; each * CHUNK < first + count; each++) {
                    mixed.set((int) each);
                }
            }
        }
    }

    /**
     * Takes over a block that was written.
     *
     * @param first the cluster that its first count is for
     */
    void update(long first, MemorySegment bytes) {
        long end = Math.min(first + geometry.refcountsPerBlock(), (long) ones.length * CHUNK);
        for (long cluster = first; cluster < end; cluster += Long.SIZE) {
            long[] groups = ones[(int) (cluster / CHUNK)];
            if (groups != null) {
                groups[(int) (cluster % CHUNK) / Long.SIZE] = 0;
            }
        }
        if (first < end) {
            Bytes.copyU64(bytes, 0, numbers, 0, numbers.length);
            loadBlock(first, (int) (end - first), bytes);
        }
        blockOffset = -1;
    }

    /**
     * Where the block is that counts a cluster; 0 if there is none and all its counts are zero.
     *
     * @throws BlockException.Corrupt if the refcount table has no legal place
     */
    long offsetOfBlock(long cluster) {
        long index = geometry.refcountTableIndex(cluster);
        long offset = index < table.length ? table[(int) index] & RefcountBlock.OFFSET_MASK : 0;
        if (!geometry.isAligned(offset)) {
            throw new BlockException.Corrupt(
                    reader.name(),
                    "refcount table",
                    offset,
                    "Refblock offset %s unaligned (reftable index: %s)"
                            .formatted(CheckLog.hex(offset), CheckLog.hex(index)));
        }
        return offset;
    }

    /** How many clusters the table has room to count. */
    long countable() {
        return (long) table.length * geometry.refcountsPerBlock();
    }

    private void loadBlock(long first, int count, MemorySegment bytes) {
        int order = geometry.refcountOrder();
        int longs = 1 << order;
        long one = ReferenceCounts.ones(order);
        for (int done = 0; done < count; done += Long.SIZE) {
            int at = done / Long.SIZE * longs;
            if (allEqual(numbers, at, longs, one)) {
                setGroup(first + done, -1L);
            } else if (!allEqual(numbers, at, longs, 0)) {
                setGroup(first + done, onesAmong(bytes, done, first));
            }
        }
    }

    private static boolean allEqual(long[] numbers, int at, int count, long value) {
        long different = 0;
        for (int i = at; i < at + count; i++) {
            different |= numbers[i] ^ value;
        }
        return different == 0;
    }

    private long onesAmong(MemorySegment bytes, int at, long first) {
        long bits = 0;
        for (int i = 0; i < Long.SIZE; i++) {
            long count = RefcountBlock.get(bytes, geometry.refcountOrder(), at + i);
            if (count == 1) {
                bits |= 1L << i;
            } else if (count != 0) {
                mixed.set((int) ((first + at) / CHUNK));
            }
        }
        return bits;
    }

    private void setGroup(long cluster, long bits) {
        int chunk = (int) (cluster / CHUNK);
        if (ones[chunk] == null) {
            ones[chunk] = new long[CHUNK / Long.SIZE];
        }
        ones[chunk][(int) (cluster % CHUNK) / Long.SIZE] = bits;
    }

    /** Tells whether some counts of the file's clusters could not be read. */
    boolean isUnreadable() {
        return unreadable;
    }

    /** Tells whether all counts of a chunk were read and are zero or one. */
    boolean isBinary(int chunk) {
        return chunk < ones.length && !mixed.get(chunk);
    }

    /** Tells whether a chunk's counts are all zero or one, and those that were found. */
    boolean isEqual(ReferenceCounts counts, int chunk) {
        if (!counts.isBinary(chunk) || !isBinary(chunk)) {
            return false;
        }
        for (int i = 0; i < CHUNK / Long.SIZE; i++) {
            if (counts.bits(chunk, i) != bits(chunk, i)) {
                return false;
            }
        }
        return true;
    }

    /**
     * One bit, whether the count is one, for each of the {@code index}th 64 clusters of a chunk.
     */
    long bits(int chunk, int index) {
        long[] groups = ones[chunk];
        return groups == null ? 0 : groups[index];
    }

    /** Tells whether a count is one; false, too, if it cannot be read. */
    boolean isOne(long cluster) {
        if (cluster / CHUNK >= ones.length) {
            return false;
        }
        long bits = bits((int) (cluster / CHUNK), (int) (cluster % CHUNK) / Long.SIZE);
        return (bits >>> cluster & 1) != 0;
    }

    /** Tells whether {@link #isOne} may err, since not all counts around could be read. */
    boolean isUnknown(long cluster) {
        return unreadable || cluster / CHUNK >= ones.length;
    }

    /** Tells whether all counts of a run of clusters of the file are one, or none is. */
    boolean areAll(boolean one, long first, long count) {
        long cluster = first;
        while (cluster < first + count) {
            int chunk = (int) (cluster / CHUNK);
            int inGroup = (int) (cluster % Long.SIZE);
            int length = (int) Math.min(Long.SIZE - inGroup, first + count - cluster);
            long bits = bits(chunk, (int) (cluster % CHUNK) / Long.SIZE) >>> inGroup;
            long differing = (one ? ~bits : bits) << (Long.SIZE - length);
            if (differing != 0) {
                return false;
            }
            cluster += length;
        }
        return true;
    }

    /** Tells whether a cluster is known to have a count of one, or another: without reading. */
    boolean isKnown(boolean one, long cluster) {
        return !unreadable && cluster / CHUNK < ones.length && areAll(one, cluster, 1);
    }

    /**
     * Returns the stored count of any cluster, as an unsigned number.
     *
     * @throws BlockException if its block cannot be read
     */
    long get(long cluster) {
        long offset = offsetOfBlock(cluster);
        if (offset == 0) {
            return 0;
        }
        if (offset != blockOffset) {
            block.copyFrom(reader.read(offset, geometry.clusterSize()));
            blockOffset = offset;
        }
        int index = geometry.refcountBlockIndex(cluster);
        return RefcountBlock.get(block, geometry.refcountOrder(), index);
    }
}
