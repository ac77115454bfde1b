package dev.gaur.export;

import dev.gaur.block.BlockException;
import dev.gaur.mem.BufferPool;
import dev.gaur.nbd.NbdErrors;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * Memory for the data of one connection's requests that do not fit into its own buffers, with room
 * for a header before the data, which is aligned for O_DIRECT. Safe for use by many threads.
 *
 * <p>Answers keep their memory until the client takes them. So all connections share a budget:
 * where it is used up, a connection gets memory for one request at a time, and its next one waits
 * until its client has taken that answer. Large requests have a budget of their own ({@link
 * LargeMemory}). Answers without data need so little that they are not counted.
 */
final class Buffers {
    /** Where the data begins; the header ends there. */
    private static final int HEAD = BufferPool.ALIGNMENT;

    private static final int SMALL = 64 << 10;

    /** What guests ask for at most, unless they copy. */
    private static final int MIDDLE = 256 << 10;

    /** Beyond that much a request is a large one. */
    static final int MEDIUM = 2 << 20;

    /** What all others of a server together may take, but for one of each connection. */
    static final long TOTAL = 256 << 20;

    /** What all large requests of a server together may take, in mebibytes. */
    private static final int LARGE_TOTAL = 256;

    /** What those of one connection may take of that: two of the largest. */
    static final int LARGE_SHARE = 64;

    private static final int MIB = 1 << 20;

    private final Server server;
    private final LargeMemory.Member large;

    /** How many of this connection's requests have memory of the budget. */
    private final AtomicInteger own = new AtomicInteger();

    private Buffers(Server server, LargeMemory.Member large) {
        this.server = server;
        this.large = large;
    }

    /** What the connections of a server share. */
    static final class Server {
        private final BufferPool tiny = new BufferPool(ReplyFormat.ERROR_BYTES_MAX, 256);
        private final BufferPool small = new BufferPool(HEAD + SMALL, 64);
        private final BufferPool middle = new BufferPool(HEAD + MIDDLE, 32);
        private final BufferPool medium = new BufferPool(HEAD + MEDIUM, 24);
        private final Budget budget;
        private final LargeMemory large;

        Server() {
            this(TOTAL, LargeMemory.Limits.DEFAULT);
        }

        /** For tests: with another budget, and more or less patience for large requests. */
        Server(long total, LargeMemory.Limits limits) {
            this.budget = new Budget(total);
            this.large = new LargeMemory(LARGE_TOTAL, LARGE_SHARE, limits);
        }

        /**
         * Returns the memory of a new connection.
         *
         * @param progress of its client
         * @param giveUp ends it, and does not wait for that
         */
        Buffers forConnection(Progress progress, Runnable giveUp) {
            return new Buffers(this, large.new Member(progress, giveUp));
        }

        /** Tells how many bytes are out for requests that are not large. */
        long out() {
            return budget.out();
        }

        /** Tells how many mebibytes are out for large requests. */
        int largeOut() {
            return large.out();
        }
    }

    /** Memory for one request; closing gives it back. */
    interface Buffer extends AutoCloseable {
        /** Returns all, the room for the header included. */
        MemorySegment segment();

        /** Returns where {@code count} bytes of data are. */
        default MemorySegment data(long count) {
            return segment().asSlice(HEAD, count);
        }

        /** Returns {@code count} bytes of data and as many of a header before them. */
        default MemorySegment withHeader(int header, long count) {
            return segment().asSlice(HEAD - header, header + count);
        }

        @Override
        void close();
    }

    /** Leases memory for an answer without data, which has no room before it. */
    Buffer leaseAnswer() {
        return new Pooled(server.tiny.lease(), () -> {});
    }

    /**
     * Leases memory for {@code count} bytes of a request that some other thread does; may wait,
     * until this connection's client has taken the answers that it has coming.
     *
     * @throws BlockException.Media if others keep too much of it for too long, where much is asked,
     *     or the system has none
     */
    Buffer lease(long count) {
        if (count <= MEDIUM) {
            BufferPool pool = pool(count);
            server.budget.await(() -> takes(pool.bufferSize()));
            return counted(pool);
        }
        if (!large.take(mebibytes(count))) {
            throw noMemory("kept by others", null);
        }
        return large(count);
    }

    private static BlockException noMemory(String why, @Nullable Throwable cause) {
        return new BlockException.Media(
                "", "memory", BlockException.NO_OFFSET, why, NbdErrors.ENOMEM, cause);
    }

    /**
     * The same, but returns null where it would wait.
     *
     * @throws BlockException.Media if the system has none
     */
    @Nullable Buffer tryLease(long count) {
        if (count <= MEDIUM) {
            BufferPool pool = pool(count);
            return takes(pool.bufferSize()) ? counted(pool) : null;
        }
        return large.tryTake(mebibytes(count)) ? large(count) : null;
    }

    /**
     * Leases memory for at most {@link #MEDIUM} bytes that is given back whether the client takes
     * answers or not, or by the thread that would wait for more; null if there is none.
     */
    @Nullable Buffer tryLeaseHere(long count) {
        BufferPool pool = pool(count);
        int bytes = pool.bufferSize();
        return server.budget.tryTake(bytes) ? leased(pool, () -> server.budget.give(bytes)) : null;
    }

    /**
     * The same, of memory that lives as long as it is reachable: a disk may write there when nobody
     * waits for it any more.
     */
    @Nullable Buffer tryLeaseKept(long count) {
        BufferPool pool = pool(count);
        int bytes = pool.bufferSize();
        if (!server.budget.tryTake(bytes)) {
            return null;
        }
        BufferPool.Lease lease = pool.tryLease();
        if (lease == null) {
            server.budget.give(bytes);
            return null;
        }
        return new Pooled(lease, () -> server.budget.give(bytes));
    }

    private BufferPool pool(long count) {
        return count <= SMALL ? server.small : count <= MIDDLE ? server.middle : server.medium;
    }

    private boolean takes(int bytes) {
        do {
            if (own.compareAndSet(0, 1)) {
                server.budget.take(bytes);
                return true;
            }
            if (server.budget.tryTake(bytes)) {
                own.incrementAndGet();
                return true;
            }
        } while (own.get() == 0);
        return false;
    }

    private Buffer counted(BufferPool pool) {
        int bytes = pool.bufferSize();
        return leased(pool, () -> giveBack(bytes));
    }

    private static Buffer leased(BufferPool pool, Runnable giveBack) {
        try {
            return new Pooled(pool.lease(), giveBack);
        } catch (OutOfMemoryError none) {
            giveBack.run();
            throw noMemory("the system has none", none);
        }
    }

    private void giveBack(int bytes) {
        own.decrementAndGet();
        server.budget.give(bytes);
    }

    private static int mebibytes(long count) {
        return Math.toIntExact((count + MIB - 1) / MIB);
    }

    private record Pooled(BufferPool.Lease lease, Runnable release) implements Buffer {
        @Override
        public MemorySegment segment() {
            return lease.segment();
        }

        @Override
        public void close() {
            lease.close();
            release.run();
        }
    }

    private Buffer large(long count) {
        int mebibytes = mebibytes(count);
        try {
            return new Pooled(BufferPool.once(HEAD + count), () -> large.give(mebibytes));
        } catch (OutOfMemoryError none) {
            large.give(mebibytes);
            throw noMemory("the system has none", none);
        }
    }
}
