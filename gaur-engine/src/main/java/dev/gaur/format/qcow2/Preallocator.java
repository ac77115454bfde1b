package dev.gaur.format.qcow2;

import dev.gaur.block.Durability;
import dev.gaur.block.StorageNode;
import dev.gaur.block.ZeroMode;
import dev.gaur.block.ZeroNode;
import dev.gaur.format.Preallocation;
import dev.gaur.format.qcow2.ClusterAllocator.Taken;
import dev.gaur.mem.Zeros;
import java.lang.foreign.MemorySegment;

/** Gives clusters of zeros to a range of the disk that has none. */
final class Preallocator {
    private final StorageNode file;
    private final StorageNode data;
    private final Geometry geometry;
    private final ClusterAllocator allocator;
    private final Linker linker;

    Preallocator(
            StorageNode file,
            StorageNode data,
            Geometry geometry,
            ClusterAllocator allocator,
            Linker linker) {
        this.file = file;
        this.data = data;
        this.geometry = geometry;
        this.allocator = allocator;
        this.linker = linker;
    }

    /**
     * Allocates all clusters of a range, which nobody uses yet.
     *
     * @param from first byte of a cluster
     * @param end of the last cluster
     * @param throttle is run now and then, to write out what is in memory
     */
    void preallocate(
            View view, long from, long end, Preallocation preallocation, Runnable throttle) {
        long coverage = geometry.clusterOffset(geometry.sliceEntries());
        for (long at = from; at < end; ) {
            long most = Math.min(end, (at / coverage + 1) * coverage) - at;
            Taken taken =
                    data == file
                            ? allocator.take(geometry.clusterIndex(most))
                            : new Taken(at, geometry.clusterIndex(most), true);
            long length = geometry.clusterOffset(taken.clusters());
            try {
                fill(taken, length, preallocation);
                link(view, at, taken);
            } catch (RuntimeException failure) {
                if (data == file) {
                    allocator.free(taken.hostOffset(), taken.clusters());
                }
                throw failure;
            }
            at += length;
            throttle.run();
        }
    }

    private void fill(Taken taken, long length, Preallocation preallocation) {
        long inFile = data == file ? length : Math.min(length, data.length() - taken.hostOffset());
        switch (preallocation) {
            case OFF, METADATA -> {
                if (!taken.fresh()) {
                    data.zero(taken.hostOffset(), inFile, ZeroMode.KEEP, Durability.CACHED);
                }
            }
            case FALLOC -> data.zero(taken.hostOffset(), inFile, ZeroMode.KEEP, Durability.CACHED);
            case FULL -> {
                for (long done = 0; done < inFile; done += Zeros.SIZE) {
                    long size = Math.min(Zeros.SIZE, inFile - done);
                    MemorySegment zeros = Zeros.bytes().asSlice(0, size);
                    data.write(taken.hostOffset() + done, zeros, Durability.CACHED);
                }
            }
        }
    }

    private void link(View view, long guestOffset, Taken taken) {
        // Without backing file a subcluster that is not allocated reads as zeros, and is as fast.
        boolean hidesBacking = geometry.extendedL2() && view.backing() != ZeroNode.INSTANCE;
        linker.change(
                view.map(),
                view.cache(),
                guestOffset,
                (int) taken.clusters(),
                !taken.fresh(),
                false,
                (index, old) -> {
                    long place = taken.hostOffset() + geometry.clusterOffset(index);
                    long bitmap = hidesBacking ? L2Entry.ALL_SUBCLUSTERS_ZERO : 0;
                    return new Linker.Entry(place | L2Entry.COPIED, bitmap);
                });
    }
}
