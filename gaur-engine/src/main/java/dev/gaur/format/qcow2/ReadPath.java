package dev.gaur.format.qcow2;

import dev.gaur.block.BlockEvent;
import dev.gaur.block.BlockNode;
import dev.gaur.block.PendingRequest;
import dev.gaur.block.StorageNode;
import dev.gaur.block.ZeroNode;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/**
 * Reads of the virtual disk: each run of clusters is one read of what holds it, straight into the
 * caller's buffer. Safe for many threads.
 *
 * <p>Source: the specification, "Cluster mapping".
 */
final class ReadPath {
    private final ClusterMap map;
    private final Geometry geometry;
    private final StorageNode data;
    private final BlockNode backing;
    private final CompressedClusters compressed;
    private final StorageNode file;
    private final boolean watched;

    /**
     * @param file the image's file, which is told of reads; needed for nothing else
     * @param data the file that holds the guest's clusters
     * @param backing what lies below; endless
     */
    ReadPath(
            ClusterMap map,
            Geometry geometry,
            StorageNode file,
            StorageNode data,
            BlockNode backing,
            CompressedClusters compressed) {
        this.file = file;
        this.watched = file.isWatched();
        this.map = map;
        this.geometry = geometry;
        this.data = data;
        this.backing = backing;
        this.compressed = compressed;
    }

    /** Fills {@code target} with the disk's bytes from {@code guestOffset} on. */
    void read(long guestOffset, MemorySegment target) {
        long length = target.byteSize();
        long place = map.dataInMemory(guestOffset, length);
        if (place >= 0 && place <= data.length() - length) {
            tell(BlockEvent.READ_AIO);
            data.read(place, target);
        } else {
            readRuns(guestOffset, target);
        }
    }

    private void tell(BlockEvent event) {
        if (watched) {
            file.event(event);
        }
    }

    private void readRuns(long guestOffset, MemorySegment target) {
        long length = target.byteSize();
        long done = 0;
        while (done < length) {
            Run run = map.find(guestOffset + done, length - done);
            done += readRun(run, target, done);
        }
    }

    /** Reads one run, or some compressed ones, to {@code target} from {@code done} on. */
    private long readRun(Run run, MemorySegment target, long done) {
        MemorySegment part = part(target, done, run.length());
        switch (run.kind()) {
            case NORMAL -> readData(run, part);
            case UNALLOCATED -> readBacking(run.guestOffset(), part);
            case ZERO_PLAIN, ZERO_ALLOCATED -> part.fill((byte) 0);
            case COMPRESSED -> {
                return compressed.read(map, run, target.asSlice(done));
            }
        }
        return run.length();
    }

    private void readBacking(long guestOffset, MemorySegment target) {
        if (backing != ZeroNode.INSTANCE) {
            tell(BlockEvent.READ_BACKING_AIO);
        }
        backing.read(guestOffset, target);
    }

    private static MemorySegment part(MemorySegment target, long from, long length) {
        return length == target.byteSize() ? target : target.asSlice(from, length);
    }

    private void readData(Run run, MemorySegment target) {
        tell(BlockEvent.READ_AIO);
        if (run.hostOffset() <= data.length() - run.length()) {
            data.read(run.hostOffset(), target);
        } else {
            readPastEnd(run, target);
        }
    }

    /** QEMU cuts files inside of their last cluster; but whole clusters that lack were lost. */
    private void readPastEnd(Run run, MemorySegment target) {
        long end = data.length();
        long hostEnd = run.hostOffset() + run.length();
        long firstLost = geometry.alignUp(end);
        if (hostEnd > firstLost) {
            long lost = Math.max(firstLost, geometry.alignDown(run.hostOffset()));
            throw Tables.truncated(data, "data cluster", lost, hostEnd);
        }
        long present = Math.max(0, end - run.hostOffset());
        if (present > 0) {
            data.read(run.hostOffset(), target.asSlice(0, present));
        }
        target.asSlice(present).fill((byte) 0);
    }

    /**
     * The same if neither tables nor data have to be waited for; else returns false. So it does if
     * anybody is to be told of reads, who may make them wait.
     */
    boolean tryRead(long guestOffset, MemorySegment target) {
        if (watched) {
            return false;
        }
        long length = target.byteSize();
        long place = map.dataInMemory(guestOffset, length);
        if (place >= 0 && place <= data.length() - length) {
            return data.tryRead(place, target);
        }
        if (place == ClusterMap.BELOW) {
            return backing.tryRead(guestOffset, target);
        }
        long done = 0;
        while (done < length) {
            Run run = map.findInMemory(guestOffset + done, length - done);
            if (run == null || !tryReadRun(run, part(target, done, run.length()))) {
                return false;
            }
            done += run.length();
        }
        return true;
    }

    /** Has what a range needs brought into memory, if its mapping is there; see the waist. */
    boolean prefetch(long guestOffset, long length) {
        if (watched) {
            return false;
        }
        long place = map.dataInMemory(guestOffset, length);
        if (place >= 0 && place <= data.length() - length) {
            return data.prefetch(place, length);
        }
        long done = 0;
        while (done < length) {
            Run run = map.findInMemory(guestOffset + done, length - done);
            if (run == null || !prefetch(run)) {
                return false;
            }
            done += run.length();
        }
        return true;
    }

    /** Begins to read data that lies in one piece, if its mapping is in memory; see the waist. */
    @Nullable PendingRequest beginRead(long guestOffset, MemorySegment target) {
        if (watched) {
            return null;
        }
        long length = target.byteSize();
        Run run = map.findInMemory(guestOffset, length);
        if (run == null || run.length() < length) {
            return null;
        }
        return switch (run.kind()) {
            case NORMAL ->
                    run.hostOffset() <= data.length() - length
                            ? data.beginRead(run.hostOffset(), target)
                            : null;
            case UNALLOCATED -> backing.beginRead(guestOffset, target);
            case ZERO_PLAIN, ZERO_ALLOCATED, COMPRESSED -> null;
        };
    }

    private boolean prefetch(Run run) {
        return switch (run.kind()) {
            case NORMAL ->
                    run.hostOffset() <= data.length() - run.length()
                            && data.prefetch(run.hostOffset(), run.length());
            case UNALLOCATED -> backing.prefetch(run.guestOffset(), run.length());
            case ZERO_PLAIN, ZERO_ALLOCATED -> true;
            case COMPRESSED -> false;
        };
    }

    private boolean tryReadRun(Run run, MemorySegment target) {
        return switch (run.kind()) {
            case NORMAL ->
                    run.hostOffset() <= data.length() - run.length()
                            && data.tryRead(run.hostOffset(), target);
            case UNALLOCATED -> backing.tryRead(run.guestOffset(), target);
            case ZERO_PLAIN, ZERO_ALLOCATED -> {
                target.fill((byte) 0);
                yield true;
            }
            case COMPRESSED -> compressed.readRecent(run, target);
        };
    }
}
