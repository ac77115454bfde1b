package dev.gaur.format.qcow2;

import dev.gaur.block.BlockEvent;
import dev.gaur.block.BlockException;
import dev.gaur.block.StorageNode;
import dev.gaur.mem.BufferPool;
import dev.gaur.sync.Epoch;
import java.lang.foreign.MemorySegment;

/** Reads what has to move along with new bytes. Who calls has a claim on the cluster. */
final class CowAround {
    /** So few gaps are read one by one; more at once, with what lies between them. */
    private static final int GAPS_READ_APART = 2;

    /** Past the page cache each read takes as long as the disk does. */
    private static final int GAPS_READ_APART_DIRECT = 1;

    /** So much is not read for nothing. */
    private static final int MUCH = 64 << 10;

    private final StorageNode file;
    private final Epoch epoch;
    private final BufferPool buffers;
    private final int gapsReadApart;

    /**
     * @param buffers of a cluster at least
     */
    CowAround(StorageNode file, Epoch epoch, BufferPool buffers) {
        this.file = file;
        this.epoch = epoch;
        this.buffers = buffers;
        this.gapsReadApart = file.isDirect() ? GAPS_READ_APART_DIRECT : GAPS_READ_APART;
    }

    /** Reads what the guest sees now; zeros behind the end of the disk. */
    void read(View view, long from, MemorySegment target) {
        if (target.byteSize() == 0) {
            return;
        }
        file.event(BlockEvent.COW_READ);
        long inDisk = Math.clamp(view.header().virtualSize() - from, 0, target.byteSize());
        if (inDisk > 0) {
            int ticket = epoch.enter();
            try {
                view.readPath().read(from, target.asSlice(0, inDisk));
            } finally {
                epoch.leave(ticket);
            }
        }
        target.asSlice(inDisk).fill((byte) 0);
    }

    /** Reads what lies before and behind bytes that are to be laid into {@code all} then. */
    void readBoth(View view, long start, MemorySegment all, long head, long tail) {
        boolean small = head > 0 && all.byteSize() > tail && tail - head < MUCH;
        if (gapsReadApart < 2 && small && tryRead(view, start, all)) {
            return;
        }
        read(view, start, all.asSlice(0, head));
        read(view, start + tail, all.asSlice(tail));
    }

    /** Reads more than is needed; false if that fails: what is needed may be readable. */
    private boolean tryRead(View view, long from, MemorySegment target) {
        try {
            read(view, from, target);
            return true;
        } catch (BlockException _) {
            return false;
        }
    }

    /** Reads what lies between parts; several gaps in one go. */
    long fillGaps(
            View view, long start, MemorySegment cluster, int from, int end, ByteRanges parts) {
        int gaps = 0;
        int firstGap = -1;
        int lastEnd = -1;
        for (int at = from; at < end; ) {
            int next = parts.next(at);
            int stop = next < 0 ? end : Math.min(next, end);
            if (stop > at) {
                gaps++;
                firstGap = firstGap < 0 ? at : firstGap;
                lastEnd = stop;
            }
            at = stop < end ? parts.endOf(stop) : end;
        }
        return gaps > gapsReadApart && readAtOnce(view, start, cluster, firstGap, lastEnd, parts)
                ? (long) lastEnd - firstGap
                : readGaps(view, start, cluster, from, end, parts);
    }

    /** Fills all gaps, or none: with what lies between them it may be unreadable. */
    private boolean readAtOnce(
            View view, long start, MemorySegment cluster, int from, int end, ByteRanges parts) {
        try (BufferPool.Lease lease = buffers.lease()) {
            MemorySegment around = lease.segment(end - from);
            if (!tryRead(view, start + from, around)) {
                return false;
            }
            for (int at = from; at < end; ) {
                int next = parts.next(at);
                int stop = next < 0 ? end : Math.min(next, end);
                MemorySegment.copy(around, at - from, cluster, at, stop - at);
                at = stop < end ? parts.endOf(stop) : end;
            }
            return true;
        } catch (OutOfMemoryError _) {
            return false; // Without a buffer one by one.
        }
    }

    private long readGaps(
            View view, long start, MemorySegment cluster, int from, int end, ByteRanges parts) {
        long read = 0;
        for (int at = from; at < end; ) {
            int next = parts.next(at);
            int stop = next < 0 ? end : Math.min(next, end);
            read(view, start + at, cluster.asSlice(at, stop - at));
            read += stop - at;
            at = stop < end ? parts.endOf(stop) : end;
        }
        return read;
    }
}
