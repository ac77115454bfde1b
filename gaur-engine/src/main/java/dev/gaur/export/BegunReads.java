package dev.gaur.export;

import dev.gaur.block.BlockIo;
import dev.gaur.block.PendingRead;
import dev.gaur.nbd.NbdErrors;
import java.lang.foreign.MemorySegment;
import java.util.ArrayDeque;
import java.util.Iterator;
import org.jspecify.annotations.Nullable;

/**
 * Small reads that the disk does while the connection's thread goes on. As long as one is under way
 * this thread waits for nothing but disks: see {@link PendingRead}.
 */
final class BegunReads {
    /** More than most disks do at once. */
    private static final int READS_MAX = 64;

    private final BlockIo disk;
    private final Buffers buffers;
    private final ArrayDeque<Read> reads = new ArrayDeque<>();
    private int underWay;

    BegunReads(BlockIo disk, Buffers buffers) {
        this.disk = disk;
        this.buffers = buffers;
    }

    /** A read with the memory that it fills; closing gives that back. */
    final class Read implements AutoCloseable {
        private final Request request;
        private final Buffers.Buffer buffer;
        private final PendingRead pending;
        private boolean finished;
        private int error;

        private Read(Request request, Buffers.Buffer buffer, PendingRead pending) {
            this.request = request;
            this.buffer = buffer;
            this.pending = pending;
        }

        Request request() {
            return request;
        }

        /** Returns 0 if there is data. */
        int error() {
            return error;
        }

        MemorySegment data() {
            return buffer.data(request.length());
        }

        private void finish() {
            if (finished) {
                return;
            }
            finished = true;
            underWay--;
            boolean over = false;
            try {
                pending.finish();
                over = true;
            } catch (RuntimeException failure) {
                error = NbdErrors.of(failure);
                over = true;
            } finally {
                if (!over) { // An Error: the disk may be writing there still, so nobody gets it.
                    reads.remove(this);
                }
            }
        }

        private boolean isDone() {
            return finished || pending.isDone();
        }

        @Override
        public void close() {
            buffer.close();
        }
    }

    boolean isEmpty() {
        return reads.isEmpty();
    }

    /** Tells whether the disk does any now. */
    boolean isUnderWay() {
        return underWay > 0;
    }

    /** Begins a read; false if it cannot be done so. */
    boolean begin(Request request) {
        if (reads.size() >= READS_MAX) {
            return false;
        }
        Buffers.Buffer buffer = buffers.tryLeaseKept(request.length());
        if (buffer == null) {
            return false;
        }
        PendingRead pending = null;
        try {
            pending = disk.begin(request.offset(), buffer.data(request.length()));
        } catch (RuntimeException _) {
            // Who reads in the other way will learn it. After an Error it may have begun: then
            // nobody else gets this memory, which the disk is going to write to.
        }
        if (pending == null) {
            buffer.close();
            return false;
        }
        reads.add(new Read(request, buffer, pending));
        underWay++;
        return true;
    }

    /** Takes one that is done, to be closed by the caller; null if there is none. */
    @Nullable Read next() {
        for (Iterator<Read> all = reads.iterator(); all.hasNext(); ) {
            Read read = all.next();
            if (read.isDone()) {
                all.remove();
                read.finish();
                return read;
            }
        }
        return null;
    }

    /** Waits for the oldest. */
    void finishOldest() {
        reads.getFirst().finish();
    }

    /** Waits for all. */
    void finishAll() {
        if (underWay > 0) {
            reads.forEach(Read::finish);
        }
    }
}
