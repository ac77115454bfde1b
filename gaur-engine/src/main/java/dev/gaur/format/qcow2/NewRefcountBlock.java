package dev.gaur.format.qcow2;

import dev.gaur.mem.BufferPool;
import java.lang.foreign.MemorySegment;

/** A refcount block of a new image, in memory until its last count is known. */
final class NewRefcountBlock {
    /** So many counts are whole bytes, however wide they are. */
    private static final int GROUP = Byte.SIZE;

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

    /** Stores ones; most of them by copying the first, which is quick before it is compiled. */
    void setOnes(long cluster, long count) {
        long stop = cluster + count;
        long inBlock = cluster - firstCluster;
        long at = cluster;
        long firstGroup = firstCluster + (inBlock + GROUP - 1) / GROUP * GROUP;
        for (long end = Math.min(stop, firstGroup + GROUP); at < end; at++) {
            set(at, 1);
        }
        long groups = (stop - at) / GROUP;
        if (groups > 0) {
            copyFirst(((firstGroup - firstCluster) / GROUP) << order, 1L << order, groups);
        }
        for (at += groups * GROUP; at < stop; at++) {
            set(at, 1);
        }
    }

    /** Copies {@code length} bytes so often behind themselves. */
    private void copyFirst(long from, long length, long times) {
        long end = length * (times + 1);
        for (long done = length; done < end; ) {
            long more = Math.min(done, end - done);
            MemorySegment.copy(bytes, from, bytes, from + done, more);
            done += more;
        }
    }
}
