package dev.gaur.format.qcow2;

import dev.gaur.block.BlockEvent;
import dev.gaur.block.BlockException;
import dev.gaur.block.Durability;
import dev.gaur.block.StorageNode;
import dev.gaur.mem.Bytes;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;

/**
 * The reference counts of an image open for writing: the refcount table in memory, and the blocks
 * that are in use, within a bound. Changes stay in memory until {@link #writeBack}; writing them
 * early harms nobody, since counts go up before something points to the cluster and down after
 * nothing does any more (Q1, Q3).
 *
 * <p>A new block lies within the clusters that it counts, or within those of another new one that
 * comes before it; so no old one has to be changed for it.
 *
 * <p>Not safe for many threads: the allocator's lock guards it.
 *
 * <p>Source: the specification, "Host cluster management".
 */
final class Refcounts {
    private static final int CACHE_BLOCKS_MIN = 4;

    /** More than any image has. */
    private static final int CACHE_BLOCKS_MAX = 1 << 30;

    private final StorageNode file;
    private final LiveHeader header;
    private final Geometry geometry;
    private final ClusterSet metadata;
    private final Health health;
    private int blocksMax;

    /** By number, from the one that was not used for longest on. */
    private final Map<Integer, CountBlock> blocks = new LinkedHashMap<>(16, 0.75f, true);

    private final CountPieces pieces;
    private boolean inPieces;
    private long[] table;
    private boolean increased;
    private CountJournal journal = CountJournal.NONE;

    /** New blocks whose entries the table in the file does not have yet. */
    private final TreeSet<Integer> unhooked = new TreeSet<>();

    /**
     * @param metadata is told of new blocks and tables
     * @param cacheBytes bound for blocks in memory
     */
    Refcounts(
            StorageNode file,
            LiveHeader header,
            ClusterSet metadata,
            Health health,
            long cacheBytes) {
        this.file = file;
        this.header = header;
        this.geometry = header.get().geometry();
        this.metadata = metadata;
        this.health = health;
        this.pieces = new CountPieces(file, geometry);
        this.blocksMax = blocksMax(cacheBytes);
        this.table = readTable();
    }

    private int blocksMax(long cacheBytes) {
        long blocksThere = cacheBytes >>> geometry.clusterBits();
        return Math.clamp(blocksThere, CACHE_BLOCKS_MIN, CACHE_BLOCKS_MAX);
    }

    Header header() {
        return header.get();
    }

    /** Lets somebody note changes before the file gets them. */
    void setJournal(CountJournal other) {
        journal = other;
    }

    /**
     * From now on only those pieces of blocks are read whose counts are asked for or changed, and
     * all of them stay.
     */
    void beginPieces() {
        inPieces = true;
    }

    /**
     * Ends that: what the file does not have yet stays.
     *
     * @param cacheBytes bound for blocks in memory from now on
     */
    void endPieces(long cacheBytes) {
        inPieces = false;
        pieces.forgetClean();
        blocksMax = blocksMax(cacheBytes);
    }

    /**
     * Reads the pieces with some clusters' counts, as far as there are any.
     *
     * @param runs first clusters and ends, in ascending order
     */
    void loadPieces(List<long[]> runs) {
        for (long[] run : runs) {
            for (long at = run[0]; at < run[1]; at = pieces.end(at)) {
                if (blockOffset(geometry.refcountTableIndex(at)) != 0 && isInPieces(at)) {
                    pieces.want(at, checkedOffset((int) geometry.refcountTableIndex(at)));
                }
            }
        }
        pieces.load();
    }

    /** How many counts lie together in memory with those of a cluster. */
    private int partCounts(long cluster) {
        return isInPieces(cluster) ? pieces.counts() : geometry.refcountsPerBlock();
    }

    private boolean isInPieces(long cluster) {
        return inPieces && !blocks.containsKey((int) geometry.refcountTableIndex(cluster));
    }

    /** The counts that lie together with those of a cluster whose block exists. */
    private CountBlock part(long cluster) {
        int index = (int) geometry.refcountTableIndex(cluster);
        return isInPieces(cluster) ? pieces.piece(cluster, checkedOffset(index)) : block(index);
    }

    private long[] readTable() {
        file.event(BlockEvent.REFTABLE_LOAD);
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

    /** Where all blocks lie, 0 where there is none. */
    long[] blockOffsets() {
        long[] offsets = new long[blocksEnd()];
        Arrays.setAll(offsets, this::blockOffset);
        return offsets;
    }

    /** Returns a count, as an unsigned number. */
    long get(long cluster) {
        long index = geometry.refcountTableIndex(cluster);
        return blockOffset(index) == 0
                ? 0
                : part(cluster).get((int) (cluster % partCounts(cluster)));
    }

    /**
     * Tells which clusters from {@code first} on are counted once.
     *
     * @return n if the first n of {@code count} are, -n if the first n are not
     */
    long onesFrom(long first, long count) {
        long index = geometry.refcountTableIndex(first);
        int inBlock = geometry.refcountBlockIndex(first);
        int end = (int) Math.min(inBlock + count, geometry.refcountsPerBlock());
        if (blockOffset(index) == 0) {
            return (long) inBlock - end;
        }
        CountBlock block = block((int) index);
        int other = block.nextOther(inBlock, end, 1);
        return other > inBlock
                ? (long) other - inBlock
                : (long) inBlock - block.nextOne(inBlock, end);
    }

    /** Returns a block that exists. */
    CountBlock block(int index) {
        CountBlock block = blocks.get(index);
        if (block == null) {
            block = load(index);
            evict();
            blocks.put(index, block);
        }
        return block;
    }

    private CountBlock load(int index) {
        long offset = checkedOffset(index);
        MemorySegment bytes = MemorySegment.ofArray(new byte[geometry.clusterSize()]);
        // QEMU's files may end within their last cluster.
        long present = Math.min(file.length() - offset, bytes.byteSize());
        file.event(BlockEvent.REFBLOCK_LOAD);
        file.read(offset, bytes.asSlice(0, present));
        CountBlock block = new CountBlock(offset, bytes, geometry.refcountOrder());
        pieces.remove(index).forEach(block::absorb);
        return block;
    }

    /** Where a block lies that is in the file, as far as that goes. */
    private long checkedOffset(int index) {
        long offset = blockOffset(index);
        if (offset <= 0 || offset >= file.length()) {
            long end = offset + geometry.clusterSize();
            throw Tables.truncated(file, "refcount block " + index, offset, end);
        }
        return offset;
    }

    private void evict() {
        if (blocks.size() < blocksMax) {
            return;
        }
        Iterator<Map.Entry<Integer, CountBlock>> eldest = blocks.entrySet().iterator();
        while (eldest.hasNext()) {
            Map.Entry<Integer, CountBlock> each = eldest.next();
            boolean kept = each.getValue().isDirty() && journal.keepsCounts();
            if (!kept && !unhooked.contains(each.getKey())) {
                each.getValue().writeTo(file); // Safe at any time.
                eldest.remove();
                return;
            }
        }
    }

    /**
     * Adds to the counts of clusters, all of them.
     *
     * @param delta 1 or -1
     * @throws BlockException.Corrupt if that goes beyond what a count can be
     */
    void add(long first, long count, int delta) {
        long done = addWhilePossible(first, count, delta);
        if (done < count) {
            long cluster = first + done;
            throw new BlockException.Corrupt(
                    file.name(),
                    "refcount block " + geometry.refcountTableIndex(cluster),
                    blockOffset(geometry.refcountTableIndex(cluster)),
                    "the count of cluster %d is %s already"
                            .formatted(cluster, Long.toUnsignedString(get(cluster))));
        }
    }

    /**
     * Adds to the counts of clusters from {@code first} on, up to one whose count has no room for
     * that or no block.
     *
     * @param delta 1 or -1
     * @return how many were changed
     */
    long addWhilePossible(long first, long count, int delta) {
        long end = first + count;
        long at = first;
        while (at < end) {
            long index = geometry.refcountTableIndex(at);
            if (blockOffset(index) == 0) {
                break;
            }
            int counts = partCounts(at);
            int inPart = (int) (at % counts);
            int part = (int) Math.min(end - at, counts - inPart);
            int done = part(at).add(inPart, part, delta);
            increased |= delta > 0 && done > 0;
            at += done;
            if (done < part) {
                break;
            }
        }
        return at - first;
    }

    /** Tells how many clusters there are from {@code first} on before one that counts as free. */
    long countedFrom(long first, long count) {
        long end = first + count;
        long at = first;
        while (at < end && blockOffset(geometry.refcountTableIndex(at)) != 0) {
            CountBlock block = block((int) geometry.refcountTableIndex(at));
            int inBlock = geometry.refcountBlockIndex(at);
            int stop = (int) Math.min(inBlock + end - at, geometry.refcountsPerBlock());
            int zero = block.nextZero(inBlock, stop);
            at += zero - inBlock;
            if (zero < stop) {
                break;
            }
        }
        return at - first;
    }

    /**
     * Makes a block for counts that are all zero so far. Its own cluster is not counted by that.
     *
     * @param index of the block, for which there is room in the table
     * @param cluster where the block will lie
     */
    void addBlock(int index, long cluster) {
        file.event(BlockEvent.REFBLOCK_ALLOC);
        MemorySegment zeros = MemorySegment.ofArray(new byte[geometry.clusterSize()]);
        CountBlock block =
                new CountBlock(geometry.clusterOffset(cluster), zeros, geometry.refcountOrder());
        block.markAllDirty();
        evict();
        blocks.put(index, block);
        table[index] = block.hostOffset();
        unhooked.add(index);
        metadata.add(cluster, 1);
        increased = true;
        journal.blockAdded(index, cluster);
    }

    /**
     * Writes what changed. It is stable after the next flush of the file. If that fails for want of
     * space it may be called again.
     *
     * @return whether that flush must come before anything that relies on a higher count
     */
    boolean writeBack() {
        if (!unhooked.isEmpty()) {
            file.event(BlockEvent.REFBLOCK_ALLOC_WRITE);
        }
        writeBlocks();
        if (!unhooked.isEmpty()) {
            health.flush(file); // Q6: a block's bytes before the entry that leads to them.
            hookBlocks();
        }
        boolean needsFlush = increased;
        increased = false;
        return needsFlush;
    }

    /** Q1: a block that is counted in another new one is hooked in after that. */
    private void hookBlocks() {
        int unstable = Integer.MAX_VALUE;
        for (int index : unhooked) {
            long cluster = geometry.clusterIndex(table[index]);
            int countedIn = Math.toIntExact(geometry.refcountTableIndex(cluster));
            if (countedIn != index && countedIn >= unstable) {
                health.flush(file);
                unstable = Integer.MAX_VALUE;
            }
            file.event(BlockEvent.REFBLOCK_ALLOC_HOOKUP);
            writeTableEntry(index);
            unstable = Math.min(unstable, index);
        }
        unhooked.clear();
    }

    /**
     * Writes new blocks, to which nothing in the file leads yet.
     *
     * @return whether there are any, which must be stable before anything leads to them
     */
    boolean writeNewBlocks() {
        unhooked.forEach(index -> block(index).writeTo(file));
        return !unhooked.isEmpty();
    }

    /** Which words of the file {@link #writeBack} will change, those of new blocks left aside. */
    JournalRecords changes() {
        JournalRecords records = new JournalRecords();
        blocks.forEach(
                (index, block) -> {
                    if (!unhooked.contains(index)) {
                        block.addChanges(file, records);
                    }
                });
        pieces.all().forEach(piece -> piece.addChanges(file, records));
        long at = header.get().refcountTableOffset();
        unhooked.forEach(index -> records.words(at + (long) index * Long.BYTES, 1, table[index]));
        return records;
    }

    private void writeBlocks() {
        if (journal.keepsCounts()) {
            journal.countsEscape();
        }
        List<CountBlock> dirty = new ArrayList<>();
        for (CountBlock block : blocks.values()) {
            if (block.isDirty()) {
                dirty.add(block);
            }
        }
        dirty.addAll(pieces.all());
        dirty.sort(Comparator.comparingLong(CountBlock::hostOffset));
        dirty.forEach(block -> block.writeTo(file));
        pieces.forgetClean();
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
        file.event(BlockEvent.REFBLOCK_ALLOC_WRITE_BLOCKS);
        writeBlocks(); // Not the entries: the old table may have no room for them.
        file.flush();
        long[] larger = Arrays.copyOf(table, clusters * geometry.tableEntriesPerCluster());
        MemorySegment bytes = MemorySegment.ofArray(new byte[larger.length * Long.BYTES]);
        for (int i = 0; i < larger.length; i++) {
            Bytes.putU64(bytes, (long) i * Long.BYTES, larger[i]);
        }
        long offset = geometry.clusterOffset(place);
        file.event(BlockEvent.REFBLOCK_ALLOC_WRITE_TABLE);
        file.write(offset, bytes, Durability.STABLE);
        file.event(BlockEvent.REFBLOCK_ALLOC_SWITCH_TABLE);
        header.switchRefcountTable(offset, clusters);
        metadata.add(place, clusters);
        table = larger;
        unhooked.clear();
    }

    /** Returns the number after the last cluster that is counted. */
    long end() {
        int perBlock = geometry.refcountsPerBlock();
        for (int index = blocksEnd() - 1; index >= 0; index--) {
            if (blockOffset(index) != 0) {
                int last = lastUsed(block(index));
                if (last >= 0) {
                    return (long) index * perBlock + last + 1;
                }
            }
        }
        return 0;
    }

    private int lastUsed(CountBlock block) {
        int perBlock = geometry.refcountsPerBlock();
        int last = -1;
        for (int at = block.nextOther(0, perBlock, 0); at < perBlock; ) {
            last = block.nextZero(at, perBlock) - 1;
            at = block.nextOther(last + 1, perBlock, 0);
        }
        return last;
    }

    /**
     * Drops blocks that count nothing but perhaps themselves; the first one stays. When this
     * returned the table in the file does not have them any more.
     *
     * @return the clusters of those that are counted in others, which is the caller's to end
     */
    List<Long> dropEmptyBlocks() {
        List<Long> countedElsewhere = new ArrayList<>();
        boolean changed = false;
        for (int index = blocksEnd() - 1; index > 0; index--) {
            long cluster = geometry.clusterIndex(blockOffset(index));
            if (cluster == 0 || !isEmpty(index, cluster)) {
                continue;
            }
            blocks.remove(index);
            table[index] = 0;
            metadata.remove(cluster, 1);
            file.event(BlockEvent.REFTABLE_UPDATE);
            writeTableEntry(index);
            changed = true;
            if (geometry.refcountTableIndex(cluster) != index) {
                countedElsewhere.add(cluster);
            }
        }
        if (changed) {
            file.flush(); // Q3: the pointer first.
        }
        return countedElsewhere;
    }

    private boolean isEmpty(int index, long cluster) {
        CountBlock block = block(index);
        int perBlock = geometry.refcountsPerBlock();
        int first = block.nextOther(0, perBlock, 0);
        boolean onlyItself =
                geometry.refcountTableIndex(cluster) == index
                        && first == geometry.refcountBlockIndex(cluster)
                        && block.nextOther(first + 1, perBlock, 0) == perBlock;
        return first == perBlock || onlyItself;
    }

    /** Makes room for entries in memory only, before blocks for the new table itself are made. */
    void extendInMemory(int entries) {
        table = Arrays.copyOf(table, Math.max(entries, table.length));
    }
}
