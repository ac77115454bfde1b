package dev.gaur.format.qcow2;

import dev.gaur.mem.BufferPool;
import java.lang.foreign.MemorySegment;

/** A refcount block of a new image, in memory until its last count is known. */
final class NewRefcountBlock {
    private final long firstCluster;
    private final long hostOffset;
    private final int order;
    private final long end;
    private final MemorySegment bytes;

    /**
     * @param firstCluster number of the host cluster that the first count is for
     * @param hostOffset where the block itself will lie
     */
    NewRefcountBlock(Geometry geometry, long firstCluster, long hostOffset) {
        this.firstCluster = firstCluster;
        this.hostOffset = hostOffset;
        this.order = geometry.refcountOrder();
        this.end = firstCluster + geometry.refcountsPerBlock();
        this.bytes = BufferPool.allocate(geometry.clusterSize());
    }

    long firstCluster() {
        return firstCluster;
    }

    long hostOffset() {
        return hostOffset;
    }

    MemorySegment bytes() {
        return bytes;
    }

    /** Returns how many clusters from {@code cluster} on the block has counts for. */
    long countsFrom(long cluster) {
        return end - cluster;
    }

    /** Stores a count, which must fit in its width. */
    void set(long cluster, long count) {
        RefcountBlock.set(bytes, order, (int) (cluster - firstCluster), count);
    }
}
