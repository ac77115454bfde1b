package dev.gaur.export;

import dev.gaur.block.BlockIo;
import dev.gaur.block.PendingRequest;
import dev.gaur.nbd.Nbd;
import dev.gaur.nbd.NbdErrors;
import java.lang.foreign.MemorySegment;
import java.util.ArrayDeque;
import java.util.Iterator;
import java.util.Objects;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Reads and writes that the disk does while the connection's thread goes on. As long as one is
 * under way this thread waits for nothing but disks: see {@link PendingRequest}.
 */
final class BegunRequests {
    /** More than most disks do at once. */
    private static final int REQUESTS_MAX = 64;

    /** What guests ask for at most; larger ones are few, and memory for them is short. */
    private static final int WRITE_MAX = 256 << 10;

    private final BlockIo disk;
    private final Buffers buffers;
    private final ArrayDeque<Begun> requests = new ArrayDeque<>(REQUESTS_MAX);
    private int underWay;

    BegunRequests(BlockIo disk, Buffers buffers) {
        this.disk = disk;
        this.buffers = buffers;
    }

    /** A request with the memory that the disk uses; closing gives that back. */
    final class Begun implements AutoCloseable {
        private final Request request;
        private final Buffers.Buffer buffer;
        private @Nullable PendingRequest pending;
        private boolean finished;
        private int error;

        private Begun(Request request, Buffers.Buffer buffer) {
            this.request = request;
            this.buffer = buffer;
        }

        private PendingRequest pending() {
            return Objects.requireNonNull(pending);
        }

        Request request() {
            return request;
        }

        /** Returns 0 if it is done. */
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
                pending().finish();
                over = true;
            } catch (RuntimeException failure) {
                error = NbdErrors.of(failure);
                over = true;
            } finally {
                if (!over) { // An Error: the disk may be using it still, so nobody else gets it.
                    requests.remove(this);
                }
            }
        }

        private boolean isDone() {
            return finished || pending().isDone();
        }

        @Override
        public void close() {
            buffer.close();
        }
    }

    boolean isEmpty() {
        return requests.isEmpty();
    }

    /** Tells whether the disk does any now. */
    boolean isUnderWay() {
        return underWay > 0;
    }

    /** Begins a read; false if it cannot be done so. */
    boolean beginRead(Request request) {
        if (requests.size() >= REQUESTS_MAX) {
            return false;
        }
        Buffers.Buffer buffer = buffers.tryLeaseKept(request.length());
        if (buffer == null) {
            return false;
        }
        MemorySegment data = buffer.data(request.length());
        if (!begin(request, buffer, () -> disk.beginRead(request.offset(), data))) {
            buffer.close();
            return false;
        }
        return true;
    }

    /** Tells whether a write might be done so, and its data should lie in kept memory. */
    boolean mayWrite(Request request) {
        return requests.size() < REQUESTS_MAX
                && request.length() > 0
                && request.length() <= WRITE_MAX
                && !request.has(Nbd.CMD_FLAG_FUA);
    }

    /**
     * Begins a write; false if it cannot be done so.
     *
     * @param buffer kept memory with the data; this object's if it begins
     */
    boolean beginWrite(Request request, Buffers.Buffer buffer) {
        MemorySegment data = buffer.data(request.length());
        return begin(request, buffer, () -> disk.beginWrite(request.offset(), data));
    }

    private static @Nullable PendingRequest tryBegin(Supplier<@Nullable PendingRequest> begins) {
        try {
            return begins.get();
        } catch (RuntimeException _) {
            // Who does it in the other way will learn it. After an Error it may have begun: then
            // nobody else gets its memory, which the disk is going to use.
            return null;
        }
    }

    private boolean begin(
            Request request, Buffers.Buffer buffer, Supplier<@Nullable PendingRequest> begins) {
        // All memory comes first: nobody would finish what was begun and lost.
        Begun made = new Begun(request, buffer);
        made.pending = tryBegin(begins);
        if (made.pending == null) {
            return false;
        }
        requests.add(made);
        underWay++;
        return true;
    }

    /** Takes one that is done, to be closed by the caller; null if there is none. */
    @Nullable Begun next() {
        for (Iterator<Begun> all = requests.iterator(); all.hasNext(); ) {
            Begun each = all.next();
            if (each.isDone()) {
                all.remove();
                each.finish();
                return each;
            }
        }
        return null;
    }

    /** Waits for the oldest. */
    void finishOldest() {
        requests.getFirst().finish();
    }

    /** Waits for all, also if one ends with an Error. */
    void finishAll() {
        if (underWay > 0) {
            try {
                requests.forEach(Begun::finish);
            } finally {
                finishAll(); // Each time there are fewer.
            }
        }
    }
}
