package dev.gaur.format.qcow2;

import dev.gaur.block.BlockException;
import dev.gaur.block.Durability;
import dev.gaur.block.StorageNode;
import dev.gaur.mem.BufferPool;
import dev.gaur.mem.Bytes;
import java.lang.foreign.MemorySegment;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Deque;

/**
 * Hands out host clusters of a new image, each one once and in ascending order, and writes their
 * counts.
 *
 * <p>Begins as QEMU does: header in cluster 0, refcount table in 1, its first block in 2. A further
 * block is put right behind the allocation that first reached into its range. Counts are ones, but
 * for clusters in which several compressed streams lie; so a block is complete, is written and
 * forgotten when the end has passed its range, and memory stays small for any size.
 *
 * <p>Nothing that this class writes is found by anybody before the header is written. Used by one
 * thread at a time.
 */
final class AppendAllocator {
    private static final long TABLE_CLUSTER = 1;
    private static final long FIRST_BLOCK_CLUSTER = 2;

    /** Where the refcount table came to lie. */
    record Table(long hostOffset, int clusters) {}

    private final StorageNode file;
    private final Geometry geometry;
    private final NewRefcountBlock firstBlock;
    private final Deque<NewRefcountBlock> open = new ArrayDeque<>();
    private long[] blockOffsets = new long[8];
    private int blocks;
    private long nextCluster;
    private long firstUnsettled = Long.MAX_VALUE;

    AppendAllocator(StorageNode file, Geometry geometry) {
        this.file = file;
        this.geometry = geometry;
        this.nextCluster = FIRST_BLOCK_CLUSTER + 1;
        this.firstBlock =
                new NewRefcountBlock(geometry, 0, geometry.clusterOffset(FIRST_BLOCK_CLUSTER));
        addBlock(firstBlock);
        count(0, nextCluster);
    }

    /** Returns the first host byte that nobody has. */
    long end() {
        return geometry.clusterOffset(nextCluster);
    }

    /**
     * Takes clusters that lie behind each other.
     *
     * @return the host offset of the first
     */
    long allocate(long clusters) {
        long first = nextCluster;
        nextCluster += clusters;
        while (blocks * (long) geometry.refcountsPerBlock() < nextCluster) {
            long range = blocks * (long) geometry.refcountsPerBlock();
            addBlock(new NewRefcountBlock(geometry, range, geometry.clusterOffset(nextCluster++)));
        }
        count(first, nextCluster);
        writeComplete();
        return geometry.clusterOffset(first);
    }

    /**
     * Says how many compressed streams a cluster holds that was allocated here. Possible only for
     * clusters that {@link #keepOpen} keeps.
     */
    void setStreams(long hostOffset, long streams) {
        long cluster = geometry.clusterIndex(hostOffset);
        blockOf(cluster).set(cluster, streams);
    }

    private NewRefcountBlock blockOf(long cluster) {
        if (firstBlock.countsFrom(cluster) > 0) {
            return firstBlock;
        }
        for (NewRefcountBlock block : open) {
            if (cluster >= block.firstCluster() && block.countsFrom(cluster) > 0) {
                return block;
            }
        }
        throw new AssertionError("the count of cluster " + cluster + " was written already");
    }

    /** Says that counts from this host offset on may still change. */
    void keepOpen(long hostOffset) {
        firstUnsettled = geometry.clusterIndex(hostOffset);
    }

    /** Writes all counts and the refcount table. Nothing can be allocated after it. */
    Table finish() {
        Table table = placeTable();
        firstUnsettled = Long.MAX_VALUE;
        for (NewRefcountBlock block : open) {
            write(block);
        }
        write(firstBlock);
        MemorySegment bytes = BufferPool.allocate(geometry.clusterOffset(table.clusters()));
        Bytes.putU64(bytes, 0, blockOffsets, 0, blocks);
        file.write(table.hostOffset(), bytes, Durability.CACHED);
        return table;
    }

    /** A table that outgrew its cluster moves to the end; the cluster it leaves is free. */
    private Table placeTable() {
        if (blocks <= geometry.tableEntriesPerCluster()) {
            return new Table(geometry.clusterOffset(TABLE_CLUSTER), 1);
        }
        int clusters = tableClusters();
        long hostOffset = allocate(clusters);
        firstBlock.set(TABLE_CLUSTER, 0);
        return new Table(hostOffset, clusters);
    }

    /** The length of a table that has room for the blocks which it needs itself. */
    private int tableClusters() {
        int clusters = 0;
        int needed = 1;
        while (clusters < needed) {
            clusters = needed;
            int more = clusters / geometry.refcountsPerBlock() + 2;
            needed = (blocks + more - 1) / geometry.tableEntriesPerCluster() + 1;
        }
        checkTableBytes(geometry.clusterOffset(clusters));
        return clusters;
    }

    private void checkTableBytes(long bytes) {
        if (bytes > HeaderCodec.REFCOUNT_TABLE_BYTES_MAX) {
            throw new BlockException.Unsupported(
                    file.name(),
                    "refcount table",
                    "the image would need more than %d MiB of it: try a larger cluster size"
                            .formatted(HeaderCodec.REFCOUNT_TABLE_BYTES_MAX >> 20));
        }
    }

    private void addBlock(NewRefcountBlock block) {
        checkTableBytes((blocks + 1L) * Long.BYTES);
        if (blocks == blockOffsets.length) {
            blockOffsets = Arrays.copyOf(blockOffsets, 2 * blocks);
        }
        blockOffsets[blocks++] = block.hostOffset();
        if (block != firstBlock) {
            open.add(block);
        }
    }

    /** Counts clusters as used once. */
    private void count(long first, long end) {
        long cluster = first;
        if (firstBlock.countsFrom(cluster) > 0) {
            cluster = count(firstBlock, cluster, end);
        }
        for (NewRefcountBlock block : open) {
            if (cluster < end && block.countsFrom(cluster) > 0) {
                cluster = count(block, cluster, end);
            }
        }
    }

    private static long count(NewRefcountBlock block, long first, long end) {
        long stop = Math.min(end, first + block.countsFrom(first));
        block.setOnes(first, stop - first);
        return stop;
    }

    private void writeComplete() {
        long settled = Math.min(nextCluster, firstUnsettled);
        NewRefcountBlock oldest = open.peek();
        while (oldest != null && oldest.countsFrom(settled) <= 0) {
            write(open.remove());
            oldest = open.peek();
        }
    }

    private void write(NewRefcountBlock block) {
        file.write(block.hostOffset(), block.bytes(), Durability.CACHED);
    }
}
