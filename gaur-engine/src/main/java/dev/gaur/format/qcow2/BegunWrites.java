package dev.gaur.format.qcow2;

import dev.gaur.block.Extent;
import dev.gaur.block.PendingRequest;
import dev.gaur.block.StorageNode;
import dev.gaur.sync.Epoch;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/**
 * Begins to overwrite what has a place, so that nobody waits but for disks. Safe for many threads;
 * waits for nobody.
 *
 * @param epoch whoever is inside keeps clusters from being given to others
 */
record BegunWrites(
        StorageNode file, StorageNode data, Geometry geometry, ClusterSet metadata, Epoch epoch) {
    /** Begins if all may be overwritten, lies in one piece, and memory tells where. */
    @Nullable PendingRequest tryBegin(View view, long guestOffset, MemorySegment source) {
        int ticket = file.isWatched() ? Epoch.PAUSED : epoch.tryEnter();
        if (ticket == Epoch.PAUSED) {
            return null;
        }
        return InsideRequest.begin(
                epoch,
                ticket,
                () -> {
                    long place = find(view, guestOffset, source.byteSize());
                    return place < 0 ? null : data.beginWrite(place, source);
                });
    }

    /** Where a range lies that can be overwritten in one piece; below 0 if it cannot. */
    private long find(View view, long guestOffset, long length) {
        Run run = view.map().findInPlaceInMemory(guestOffset, length);
        if (run == null || run.length() < length) {
            return Extent.NOWHERE;
        }
        // Who says that an image is damaged writes that to the file, which waits for others.
        boolean damaged =
                data == file && metadata.containsAnyOf(geometry, run.hostOffset(), length);
        return damaged ? Extent.NOWHERE : run.hostOffset();
    }
}
