package dev.gaur.storage.file;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import dev.gaur.block.PendingRead;
import dev.gaur.ffi.Aio;
import dev.gaur.sync.Gate;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * Reads of one O_DIRECT file that are under way without a thread each. What is begun waits to be
 * handed to the system with all else that is begun until somebody looks for results: a device is
 * told once of many. Whoever looks takes everybody's results.
 *
 * <p>Locks: {@code taking}, then {@code beginning}. Only who waits for a result sleeps with a lock,
 * {@code taking}, which others try but do not wait for unless they wait for a result, too.
 */
final class AioReads implements AutoCloseable {
    private static final int READS_MAX = 128;
    private static final int TIMESPEC_BYTES = 16;

    private final int fd;
    private final DirectIo direct;
    private final Gate gate;
    private final long context;
    private final MemorySegment ring;
    private final ReentrantLock beginning = new ReentrantLock();
    private final ReentrantLock taking = new ReentrantLock();
    private final MemorySegment requests;
    private final MemorySegment addresses;
    private final MemorySegment events;
    private final MemorySegment noTime;

    /** Those under way: so that their memory stays reachable while the device writes there. */
    private final @Nullable Read[] reads = new Read[READS_MAX];

    private final int[] free = new int[READS_MAX];
    private int freeCount;
    private final int[] waiting = new int[READS_MAX];
    private int waitingCount;

    /**
     * @param direct reads what could not be read so, in the way that tells what is wrong
     * @param gate of the file, which reads hold open
     */
    AioReads(int fd, DirectIo direct, Gate gate) {
        this.fd = fd;
        this.direct = direct;
        this.gate = gate;
        Arena arena = Arena.ofAuto();
        requests = arena.allocate((long) READS_MAX * Aio.REQUEST_BYTES, Long.BYTES);
        addresses = arena.allocate((long) READS_MAX * Long.BYTES, Long.BYTES);
        events = arena.allocate((long) READS_MAX * Aio.EVENT_BYTES, Long.BYTES);
        noTime = arena.allocate(TIMESPEC_BYTES, Long.BYTES);
        context = Aio.setup(READS_MAX);
        ring = context != 0 ? Aio.ring(context) : MemorySegment.NULL;
        while (context != 0 && freeCount < READS_MAX) {
            free[freeCount] = freeCount;
            freeCount++;
        }
    }

    /** A read, for its owner. */
    final class Read implements PendingRead {
        private final long offset;
        private final MemorySegment target;
        private final int ticket;
        private long result; // before done
        private volatile boolean done;

        private Read(long offset, MemorySegment target, int ticket) {
            this.offset = offset;
            this.target = target;
            this.ticket = ticket;
        }

        private void done(long count) {
            result = count;
            done = true;
        }

        @Override
        public boolean isDone() {
            if (!done) {
                look();
            }
            return done;
        }

        @Override
        public void finish() {
            while (!done) {
                await(this);
            }
            try {
                if (result != target.byteSize()) {
                    direct.read(offset, target);
                }
            } finally {
                gate.leave(ticket);
            }
        }
    }

    /**
     * Begins a read.
     *
     * @param target native and aligned
     * @param ticket of the gate, which is left here or by the read
     * @return null if too many are under way
     */
    @Nullable PendingRead begin(long offset, MemorySegment target, int ticket) {
        PendingRead read = null;
        beginning.lock();
        try {
            read = freeCount == 0 ? null : take(offset, target, ticket);
            return read;
        } finally {
            beginning.unlock();
            if (read == null) {
                gate.leave(ticket);
            }
        }
    }

    private Read take(long offset, MemorySegment target, int ticket) {
        int slot = free[--freeCount];
        MemorySegment request = request(slot);
        Aio.putRead(request, slot, fd, target, offset);
        Read read = new Read(offset, target, ticket);
        reads[slot] = read;
        waiting[waitingCount++] = slot;
        return read;
    }

    private MemorySegment request(int slot) {
        return requests.asSlice((long) slot * Aio.REQUEST_BYTES, Aio.REQUEST_BYTES);
    }

    /** Takes results that are there, and hands over what was begun. */
    private void look() {
        submit();
        if (Aio.mayHaveEvents(ring) && taking.tryLock()) {
            try {
                take(Aio.events(context, 0, READS_MAX, events, noTime));
            } finally {
                taking.unlock();
            }
        }
    }

    private void await(Read read) {
        submit();
        taking.lock();
        try {
            if (!read.done) { // Then its result is to come: nobody else takes any meanwhile.
                take(Aio.events(context, 1, READS_MAX, events, MemorySegment.NULL));
            }
        } finally {
            taking.unlock();
        }
    }

    private void take(int count) {
        if (count <= 0) {
            return;
        }
        beginning.lock();
        try {
            for (int i = 0; i < count; i++) {
                end((int) Aio.tag(events, i), Aio.result(events, i));
            }
        } finally {
            beginning.unlock();
        }
    }

    private void end(int slot, long result) {
        Read read = reads[slot];
        reads[slot] = null;
        free[freeCount++] = slot;
        if (read != null) {
            read.done(result);
        }
    }

    private void submit() {
        beginning.lock();
        try {
            while (waitingCount > 0) {
                for (int i = 0; i < waitingCount; i++) {
                    long address = requests.address() + (long) waiting[i] * Aio.REQUEST_BYTES;
                    addresses.setAtIndex(JAVA_LONG, i, address);
                }
                int taken = Aio.submit(context, addresses, waitingCount);
                if (taken < 1) { // Its owner will read it in another way.
                    end(waiting[0], -1);
                    taken = 1;
                }
                waitingCount -= taken;
                System.arraycopy(waiting, taken, waiting, 0, waitingCount);
            }
        } finally {
            beginning.unlock();
        }
    }

    /** To be called when no read is under way. */
    @Override
    public void close() {
        if (context != 0) {
            Aio.destroy(context);
        }
    }
}
