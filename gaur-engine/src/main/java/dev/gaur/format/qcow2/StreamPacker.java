package dev.gaur.format.qcow2;

/**
 * Places compressed streams one behind the other, across the borders of host clusters where these
 * lie behind each other. A cluster is counted once for each stream that touches it; where the count
 * is full, or the rest of a cluster is too short and the next one is not free, a new one begins.
 *
 * <p>Source: the specification, "Compressed Clusters Descriptor", and what QEMU does. Used by one
 * thread at a time.
 */
final class StreamPacker {
    private final AppendAllocator allocator;
    private final Geometry geometry;

    /** Where the next stream may begin; at a cluster's start there is no cluster yet. */
    private long next;

    /** How many streams touch the cluster that {@link #next} lies in. */
    private long streams;

    StreamPacker(AppendAllocator allocator, Geometry geometry) {
        this.allocator = allocator;
        this.geometry = geometry;
    }

    /** Places a stream shorter than a cluster and returns its host offset. */
    long place(int length) {
        if (!fits(length)) {
            next = allocator.end();
            streams = 0;
        }
        long hostOffset = next;
        take(length);
        return hostOffset;
    }

    /** Whether a stream can begin in the cluster at hand. */
    private boolean fits(int length) {
        if (streams == 0 || Long.compareUnsigned(streams, geometry.refcountMax()) >= 0) {
            return false;
        }
        long room = geometry.alignUp(next) - next;
        return length <= room || geometry.alignUp(next) == allocator.end();
    }

    private void take(int length) {
        long end = next + length;
        long open = geometry.alignDown(next);
        if (streams > 0) {
            allocator.setStreams(open, ++streams);
        }
        long free = streams == 0 ? next : geometry.alignUp(next);
        if (end > free) {
            allocator.keepOpen(free);
            long clusters = geometry.clustersFor(end - free);
            if (allocator.allocate(clusters) != free) {
                throw new AssertionError("the end moved");
            }
            streams = 1;
        }
        next = end;
        if (geometry.isAligned(next)) {
            streams = 0;
            allocator.keepOpen(Long.MAX_VALUE);
        }
    }

    /** Says that no stream will follow. */
    void finish() {
        allocator.keepOpen(Long.MAX_VALUE);
    }
}
