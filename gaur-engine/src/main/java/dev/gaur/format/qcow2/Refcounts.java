package dev.gaur.format.qcow2;

import dev.gaur.block.BlockException;
import dev.gaur.block.Durability;
import dev.gaur.block.StorageNode;
import dev.gaur.mem.Bytes;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * The reference counts of an image open for writing: the refcount table in memory, and the blocks
 * that are in use, within a bound. Changes stay in memory until {@link #writeBack}; writing them
 * early harms nobody, since counts go up before something points to the cluster and down after
 * nothing does any more (Q1, Q3).
 *
 * <p>A new block always lies within the clusters that it counts, so no other has to be changed for
 * it.
 *
 * <p>Not safe for many threads: the allocator's lock guards it.
 *
 * <p>Source: the specification, "Host cluster management".
 */
final class Refcounts {
    private static final long CACHE_BYTES = 8L << 20;
    private static final int CACHE_BLOCKS_MIN = 4;

    private final StorageNode file;
    private final LiveHeader header;
    private final Geometry geometry;
    private final ClusterSet metadata;
    private final int blocksMax;
    private final Map<Integer, CountBlock> blocks = new HashMap<>();
    private long[] table;
    private long uses;
    private boolean increased;

    /** New blocks whose entries the table in the file does not have yet. */
    private final List<Integer> unhooked = new ArrayList<>();

    /**
     * @param metadata is told of new blocks and tables
     */
    Refcounts(StorageNode file, LiveHeader header, ClusterSet metadata) {
        this.file = file;
        this.header = header;
        this.geometry = header.get().geometry();
        this.metadata = metadata;
        this.blocksMax = (int) Math.max(CACHE_BLOCKS_MIN, CACHE_BYTES >>> geometry.clusterBits());
        this.table = readTable();
    }

    Header header() {
        return header.get();
    }

    private long[] readTable() {
        Header now = header.get();
        int entries = now.refcountTableClusters() * geometry.tableEntriesPerCluster();
        return Tables.readEntries(file, "refcount table", now.refcountTableOffset(), entries);
    }

    /** Returns how many blocks the table has room for. */
    int tableEntries() {
        return table.length;
    }

    /** Returns the number after the last block that is there. */
    int blocksEnd() {
        int end = table.length;
        while (end > 0 && table[end - 1] == 0) {
            end--;
        }
        return end;
    }

    /** Where block {@code index} lies; 0 if there is none, and all its counts are zero. */
    long blockOffset(long index) {
        if (index >= table.length) {
            return 0;
        }
        long offset = table[(int) index] & RefcountBlock.OFFSET_MASK;
        if (!geometry.isAligned(offset)) {
            throw new BlockException.Corrupt(
                    file.name(),
                    "refcount table",
                    header.get().refcountTableOffset() + index * Long.BYTES,
                    "entry %d is 0x%x, not a multiple of the cluster size"
                            .formatted(index, offset));
        }
        return offset;
    }

    /** Returns a count, as an unsigned number. */
    long get(long cluster) {
        long index = geometry.refcountTableIndex(cluster);
        return blockOffset(index) == 0
                ? 0
                : block((int) index).get(geometry.refcountBlockIndex(cluster));
    }

    /** Returns a block that exists. */
    CountBlock block(int index) {
        CountBlock block = blocks.get(index);
        if (block == null) {
            block = load(index);
            evict();
            blocks.put(index, block);
        }
        block.setUsed(++uses);
        return block;
    }

    private CountBlock load(int index) {
        long offset = blockOffset(index);
        MemorySegment bytes = MemorySegment.ofArray(new byte[geometry.clusterSize()]);
        // QEMU's files may end within their last cluster.
        long present = Math.clamp(file.length() - offset, 0, bytes.byteSize());
        if (offset == 0 || present == 0) {
            throw Tables.truncated(
                    file, "refcount block " + index, offset, offset + bytes.byteSize());
        }
        file.read(offset, bytes.asSlice(0, present));
        return new CountBlock(offset, bytes, geometry.refcountOrder());
    }

    private void evict() {
        if (blocks.size() < blocksMax) {
            return;
        }
        var oldest =
                blocks.entrySet().stream()
                        .filter(each -> !unhooked.contains(each.getKey()))
                        .min(Comparator.comparingLong(each -> each.getValue().used()));
        oldest.ifPresent(
                each -> {
                    each.getValue().writeTo(file); // Safe at any time.
                    blocks.remove(each.getKey());
                });
    }

    /**
     * Adds to the count of clusters whose blocks exist.
     *
     * @param delta 1 or -1
     * @return the new count of the last cluster
     */
    long add(long first, long count, int delta) {
        long now = 0;
        for (long cluster = first; cluster < first + count; cluster++) {
            CountBlock block = block(Math.toIntExact(geometry.refcountTableIndex(cluster)));
            int index = geometry.refcountBlockIndex(cluster);
            long old = block.get(index);
            if (delta > 0 ? old == geometry.refcountMax() : old == 0) {
                throw new BlockException.Corrupt(
                        file.name(),
                        "refcount block " + geometry.refcountTableIndex(cluster),
                        block.hostOffset(),
                        "the count of cluster %d is %s already"
                                .formatted(cluster, Long.toUnsignedString(old)));
            }
            now = old + delta;
            block.set(index, now);
        }
        increased |= delta > 0;
        return now;
    }

    /**
     * Makes a block for counts that are all zero so far. Its own cluster is not counted by that.
     *
     * @param index of the block, for which there is room in the table
     * @param cluster where the block will lie
     */
    void addBlock(int index, long cluster) {
        MemorySegment zeros = MemorySegment.ofArray(new byte[geometry.clusterSize()]);
        CountBlock block =
                new CountBlock(geometry.clusterOffset(cluster), zeros, geometry.refcountOrder());
        block.markAllDirty();
        evict();
        block.setUsed(++uses);
        blocks.put(index, block);
        table[index] = block.hostOffset();
        unhooked.add(index);
        metadata.add(cluster, 1);
        increased = true;
    }

    /**
     * Writes what changed. It is stable after the next flush of the file.
     *
     * @return whether that flush must come before anything that relies on a higher count
     */
    boolean writeBack() {
        writeBlocks();
        if (!unhooked.isEmpty()) {
            file.flush(); // Q6: a block's bytes before the entry that leads to them.
            for (int index : unhooked) {
                writeTableEntry(index);
            }
            unhooked.clear();
        }
        boolean needsFlush = increased;
        increased = false;
        return needsFlush;
    }

    private void writeBlocks() {
        for (CountBlock block : blocks.values()) {
            if (block.isDirty()) {
                block.writeTo(file);
            }
        }
    }

    private void writeTableEntry(int index) {
        MemorySegment entry = MemorySegment.ofArray(new byte[Long.BYTES]);
        Bytes.putU64(entry, 0, table[index]);
        long at = header.get().refcountTableOffset() + (long) index * Long.BYTES;
        file.write(at, entry, Durability.CACHED);
    }

    /**
     * Moves the table, with all entries in memory, to a larger place. Everything is stable when
     * this returned; the old place is still counted.
     *
     * @param place first cluster of the new table, counted already
     * @param clusters its length
     */
    void moveTable(long place, int clusters) {
        writeBlocks(); // Not the entries: the old table may have no room for them.
        file.flush();
        long[] larger = Arrays.copyOf(table, clusters * geometry.tableEntriesPerCluster());
        MemorySegment bytes = MemorySegment.ofArray(new byte[larger.length * Long.BYTES]);
        for (int i = 0; i < larger.length; i++) {
            Bytes.putU64(bytes, (long) i * Long.BYTES, larger[i]);
        }
        long offset = geometry.clusterOffset(place);
        file.write(offset, bytes, Durability.STABLE);
        header.switchRefcountTable(offset, clusters);
        metadata.add(place, clusters);
        table = larger;
        unhooked.clear();
    }

    /** Makes room for entries in memory only, before blocks for the new table itself are made. */
    void extendInMemory(int entries) {
        table = Arrays.copyOf(table, Math.max(entries, table.length));
    }

    /** Throws if a table with that many entries is larger than any image may have. */
    void checkTableEntries(long entries) {
        if (entries * Long.BYTES > HeaderCodec.REFCOUNT_TABLE_BYTES_MAX) {
            throw new BlockException.Media(
                    file.name(),
                    "refcount table",
                    BlockException.NO_OFFSET,
                    "the image would need more than %d MiB of it"
                            .formatted(HeaderCodec.REFCOUNT_TABLE_BYTES_MAX >> 20),
                    EFBIG,
                    null);
        }
    }

    /** "File too large", as Linux numbers it. */
    private static final int EFBIG = 27;
}
