package dev.gaur.format.qcow2;

import dev.gaur.block.BlockEvent;
import dev.gaur.block.StorageNode;
import dev.gaur.format.qcow2.ClusterAllocator.Taken;

/**
 * Places compressed streams in an image open for writing, one behind the other, and counts a
 * reference for each cluster that a stream touches. The cluster in which the next stream will lie
 * has one reference more while it is open, so that it is not given to anybody else when all its
 * streams are freed; after a crash that one is leaked.
 *
 * <p>Locks: its own monitor, before the allocator's. Safe for many threads.
 *
 * <p>Source: the specification, "Compressed Clusters Descriptor".
 */
final class StreamPlaces {
    private static final long NONE = -1;

    private final StorageNode file;
    private final ClusterAllocator allocator;
    private final Geometry geometry;

    /** Where the next stream may begin, within the open cluster; or {@link #NONE}. */
    private long next = NONE;

    StreamPlaces(StorageNode file, ClusterAllocator allocator, Geometry geometry) {
        this.file = file;
        this.allocator = allocator;
        this.geometry = geometry;
    }

    /**
     * Places a stream shorter than a cluster.
     *
     * @return its host offset, of any alignment
     */
    synchronized long place(int length) {
        file.event(BlockEvent.CLUSTER_ALLOC_BYTES);
        long room = next == NONE ? 0 : geometry.alignDown(next) + geometry.clusterSize() - next;
        if (length <= room && allocator.increase(next)) {
            long place = next;
            moveTo(next + length);
            return place;
        }
        return placeInNew(length, room);
    }

    private long placeInNew(int length, long room) {
        Taken taken = allocator.takeUntold(1);
        long place = taken.hostOffset();
        boolean crosses = room > 0 && next + room == place && allocator.increase(next);
        if (crosses) {
            place = next;
        }
        close();
        // The new cluster's one reference is the stream's, or that of the open cluster.
        if (allocator.increase(taken.hostOffset())) {
            next = taken.hostOffset();
            moveTo(place + length);
        }
        return place;
    }

    private void moveTo(long end) {
        if (geometry.isAligned(end)) {
            close(); // The open cluster is full; the one behind it is somebody else's.
        } else {
            next = end;
        }
    }

    /** Gives back what a stream got that could not be written, or that nothing points to. */
    void giveBack(long hostOffset, int length) {
        long first = geometry.alignDown(hostOffset);
        long end = geometry.alignUp(hostOffset + length);
        allocator.free(first, geometry.clusterIndex(end - first));
    }

    /** Ends the open cluster. */
    synchronized void close() {
        if (next != NONE) {
            allocator.free(geometry.alignDown(next), 1);
            next = NONE;
        }
    }
}
