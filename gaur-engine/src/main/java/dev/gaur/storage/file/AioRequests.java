package dev.gaur.storage.file;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import dev.gaur.block.PendingRequest;
import dev.gaur.ffi.Aio;
import dev.gaur.sync.Gate;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Reads and writes of one O_DIRECT file that are under way without a thread each. What is begun
 * waits to be handed to the system with all else that is begun until somebody looks for results: a
 * device is told once of many. Whoever looks takes everybody's results.
 *
 * <p>Locks: {@code taking}, then {@code beginning}. Only who waits for a result sleeps with a lock,
 * {@code taking}, which others try but do not wait for unless they wait for a result, too.
 */
final class AioRequests implements AutoCloseable {
    private static final int REQUESTS_MAX = 128;
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
    private int eventCount; // guarded by taking, as are the events
    private int eventsTaken;

    /** Those under way: so that their memory stays reachable as long as the device uses it. */
    private final @Nullable Begun[] begun = new Begun[REQUESTS_MAX];

    private final int[] free = new int[REQUESTS_MAX];
    private int freeCount;
    private final int[] waiting = new int[REQUESTS_MAX];
    private int waitingCount;

    /**
     * @param direct does what could not be done so, in the way that tells what is wrong
     * @param gate of the file, which requests hold open
     */
    AioRequests(int fd, DirectIo direct, Gate gate) {
        this.fd = fd;
        this.direct = direct;
        this.gate = gate;
        Arena arena = Arena.ofAuto();
        requests = arena.allocate((long) REQUESTS_MAX * Aio.REQUEST_BYTES, Long.BYTES);
        addresses = arena.allocate((long) REQUESTS_MAX * Long.BYTES, Long.BYTES);
        events = arena.allocate((long) REQUESTS_MAX * Aio.EVENT_BYTES, Long.BYTES);
        noTime = arena.allocate(TIMESPEC_BYTES, Long.BYTES);
        context = Aio.setup(REQUESTS_MAX);
        ring = context != 0 ? Aio.ring(context) : MemorySegment.NULL;
        while (context != 0 && freeCount < REQUESTS_MAX) {
            free[freeCount] = freeCount;
            freeCount++;
        }
    }

    /** A request, for its owner. */
    private abstract class Begun implements PendingRequest {
        /** Where in the file. */
        final long offset;

        /** What is filled or written. */
        final MemorySegment memory;

        private final int ticket;
        private long result; // before done
        private volatile boolean done;

        Begun(long offset, MemorySegment memory, int ticket) {
            this.offset = offset;
            this.memory = memory;
            this.ticket = ticket;
        }

        abstract void put(MemorySegment request, int slot);

        /** Does it in the way that tells what is wrong. */
        abstract void doAgain();

        void done(long count) {
            result = count;
            done = true;
        }

        @Override
        public final boolean isDone() {
            if (!done) {
                look();
            }
            return done;
        }

        /** Gives back what it holds. */
        void over() {
            gate.leave(ticket);
        }

        @Override
        public final void finish() {
            awaitDone();
            try {
                if (result != memory.byteSize()) {
                    doAgain();
                }
            } finally {
                over();
            }
        }

        /** Whatever else happens: until then the device reads or writes. */
        private void awaitDone() {
            while (!done) {
                try {
                    await(this);
                } catch (OutOfMemoryError _) {
                    Thread.yield();
                }
            }
        }
    }

    private final class Read extends Begun {
        Read(long offset, MemorySegment target, int ticket) {
            super(offset, target, ticket);
        }

        @Override
        void put(MemorySegment request, int slot) {
            Aio.putRead(request, slot, fd, memory, offset);
        }

        @Override
        void doAgain() {
            direct.read(offset, memory);
        }
    }

    private final class Write extends Begun {
        private final long stamp;

        Write(long offset, MemorySegment source, int ticket, long stamp) {
            super(offset, source, ticket);
            this.stamp = stamp;
        }

        @Override
        void put(MemorySegment request, int slot) {
            Aio.putWrite(request, slot, fd, memory, offset);
        }

        @Override
        void doAgain() {
            direct.writeBegun(offset, memory);
        }

        @Override
        void over() {
            super.over();
            direct.end(stamp);
        }
    }

    /**
     * Begins a read.
     *
     * @param target native and aligned
     * @param ticket of the gate, which is left here or by the read
     * @return null if too many are under way
     */
    @Nullable PendingRequest beginRead(long offset, MemorySegment target, int ticket) {
        return begin(ticket, () -> new Read(offset, target, ticket));
    }

    /**
     * Begins a write of whole blocks.
     *
     * @param source native and aligned
     * @param ticket of the gate, which is left here or by the write
     * @param stamp of the change, which the write ends
     * @return null if too many are under way; then the change has not ended
     */
    @Nullable PendingRequest beginWrite(long offset, MemorySegment source, int ticket, long stamp) {
        return begin(ticket, () -> new Write(offset, source, ticket, stamp));
    }

    private @Nullable PendingRequest begin(int ticket, Supplier<Begun> maker) {
        Begun made = null;
        beginning.lock();
        try {
            if (freeCount > 0) {
                made = add(maker.get());
            }
            return made;
        } finally {
            beginning.unlock();
            if (made == null) {
                gate.leave(ticket);
            }
        }
    }

    private Begun add(Begun added) {
        int slot = free[freeCount - 1];
        added.put(request(slot), slot); // Last of what may fail.
        freeCount--;
        begun[slot] = added;
        waiting[waitingCount++] = slot;
        return added;
    }

    private MemorySegment request(int slot) {
        return requests.asSlice((long) slot * Aio.REQUEST_BYTES, Aio.REQUEST_BYTES);
    }

    /** Takes results that are there, and hands over what was begun. */
    private void look() {
        submit();
        if (Aio.mayHaveEvents(ring) && taking.tryLock()) {
            try {
                take(0, noTime);
            } finally {
                taking.unlock();
            }
        }
    }

    private void await(Begun wanted) {
        submit();
        taking.lock();
        try {
            if (!wanted.done) { // Then its result is to come: nobody else takes any meanwhile.
                take(1, MemorySegment.NULL);
            }
        } finally {
            taking.unlock();
        }
    }

    private void take(int least, MemorySegment time) {
        if (eventsTaken == eventCount) { // Else somebody had no memory to go on.
            eventsTaken = 0;
            eventCount = 0;
            eventCount = Math.max(0, Aio.events(context, least, REQUESTS_MAX, events, time));
        }
        beginning.lock();
        try {
            while (eventsTaken < eventCount) {
                end((int) Aio.tag(events, eventsTaken), Aio.result(events, eventsTaken));
                eventsTaken++;
            }
        } finally {
            beginning.unlock();
        }
    }

    private void end(int slot, long result) {
        Begun ended = begun[slot];
        begun[slot] = null;
        free[freeCount++] = slot;
        if (ended != null) {
            ended.done(result);
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
                if (taken < 1) { // Its owner will do it in another way.
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

    /** To be called when none is under way. */
    @Override
    public void close() {
        if (context != 0) {
            Aio.destroy(context);
        }
    }
}
