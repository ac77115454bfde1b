package dev.gaur.format.qcow2;

import dev.gaur.block.PendingRequest;
import dev.gaur.format.qcow2.CachedCluster.Found;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/**
 * What the guest reads: cached clusters over the image. The cache is looked into before the tables
 * are (see {@link CowTable}). Safe for many threads.
 */
final class CowReads {
    private final CowTable cached;
    private final Geometry geometry;
    private final ReadPath image;

    /**
     * @param image what lies below the cached clusters
     */
    CowReads(CowTable cached, Geometry geometry, ReadPath image) {
        this.cached = cached;
        this.geometry = geometry;
        this.image = image;
    }

    /** Fills {@code target} with the disk's bytes from {@code guestOffset} on. */
    void read(long guestOffset, MemorySegment target) {
        if (cached.isEmpty()) {
            image.read(guestOffset, target);
        } else {
            readOver(guestOffset, target, true);
        }
    }

    /** The same if nothing has to be waited for; else returns false. */
    boolean tryRead(long guestOffset, MemorySegment target) {
        return cached.isEmpty()
                ? image.tryRead(guestOffset, target)
                : readOver(guestOffset, target, false);
    }

    /** Has what a range needs brought into memory; see the waist. */
    boolean prefetch(long guestOffset, long length) {
        CachedCluster only = cached.find(geometry.clusterIndex(guestOffset));
        int offset = geometry.offsetInCluster(guestOffset);
        if (only != null && length <= only.length() - offset && only.has(offset, (int) length)) {
            return true;
        }
        return image.prefetch(guestOffset, length);
    }

    /** Begins a read of what is not cached at all; see the waist. */
    @Nullable PendingRequest beginRead(long guestOffset, MemorySegment target) {
        boolean plain = cached.isPlain(geometry, guestOffset, target.byteSize());
        return plain ? image.beginRead(guestOffset, target) : null;
    }

    /** Reads cached clusters, and what lies between them in one go. */
    private boolean readOver(long guestOffset, MemorySegment target, boolean wait) {
        long length = target.byteSize();
        long plain = 0; // From here on nothing was cached so far.
        for (long at = 0; at < length; ) {
            long guest = guestOffset + at;
            long stop =
                    Math.min(length, at + geometry.clusterSize() - geometry.offsetInCluster(guest));
            // Q15: before the tables, which lead to its bytes by the time it leaves.
            CachedCluster here = cached.find(geometry.clusterIndex(guest));
            if (here != null) {
                if (!readImage(guestOffset, target, plain, at, wait)
                        || !readCluster(here, guestOffset, target, at, stop, wait)) {
                    return false;
                }
                plain = stop;
            }
            at = stop;
        }
        return readImage(guestOffset, target, plain, length, wait);
    }

    private boolean readImage(
            long guestOffset, MemorySegment target, long from, long end, boolean wait) {
        if (from == end) {
            return true;
        }
        MemorySegment part =
                end - from == target.byteSize() ? target : target.asSlice(from, end - from);
        if (wait) {
            image.read(guestOffset + from, part);
            return true;
        }
        return image.tryRead(guestOffset + from, part);
    }

    private boolean readCluster(
            CachedCluster first,
            long guestOffset,
            MemorySegment target,
            long from,
            long end,
            boolean wait) {
        int offset = geometry.offsetInCluster(guestOffset + from);
        int count = (int) (end - from);
        @Nullable CachedCluster here = first;
        while (here != null) {
            Found found = here.get(offset, target, from, count);
            if (found == Found.ALL) {
                return true;
            }
            if (found == Found.NOTHING) {
                break;
            }
            if (found == Found.SOME) {
                if (!readImage(guestOffset, target, from, end, wait)) {
                    return false;
                }
                if (here.lay(offset, target, from, count)) { // Still: then all it held is here.
                    return true;
                }
            }
            here = cached.find(first.number());
        }
        return readImage(guestOffset, target, from, end, wait);
    }
}
