package dev.gaur.export;

import dev.gaur.block.BlockException;
import dev.gaur.mem.BufferPool;
import dev.gaur.nbd.NbdErrors;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.time.Duration;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Memory for the data of requests that do not fit into a connection's own buffers, with room for a
 * header before the data, which is aligned for O_DIRECT. Safe for use by many threads.
 */
final class Buffers {
    /** Where the data begins; the header ends there. */
    private static final int HEAD = BufferPool.ALIGNMENT;

    private static final int SMALL = 64 << 10;

    /** What can be had without waiting. */
    static final int MEDIUM = 2 << 20;

    /** What all large requests of a server together may take, in mebibytes. */
    private static final int LARGE_TOTAL = 256;

    /** Clients that take their answers give memory back sooner, be they slow. */
    private static final Duration PATIENCE = Duration.ofSeconds(10);

    private final BufferPool small = new BufferPool(HEAD + SMALL, 64);
    private final BufferPool medium = new BufferPool(HEAD + MEDIUM, 16);
    private final Semaphore largeLeft = new Semaphore(LARGE_TOTAL, true);

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

    /**
     * Leases memory for {@code count} bytes; waits for a while where much is asked for.
     *
     * @throws BlockException.Media if others keep too much of it for too long
     */
    Buffer lease(long count) {
        if (count <= MEDIUM) {
            return pooled(count);
        }
        if (!await(mebibytes(count))) {
            throw new BlockException.Media(
                    "",
                    "memory",
                    BlockException.NO_OFFSET,
                    "kept by others",
                    NbdErrors.ENOMEM,
                    null);
        }
        return large(count);
    }

    /** The same, but returns null where it would wait. */
    @Nullable Buffer tryLease(long count) {
        if (count <= MEDIUM) {
            return pooled(count);
        }
        return largeLeft.tryAcquire(mebibytes(count)) ? large(count) : null;
    }

    private Buffer pooled(long count) {
        return new Pooled((count > SMALL ? medium : small).lease());
    }

    private static int mebibytes(long count) {
        return Math.toIntExact((count >> 20) + 1);
    }

    private boolean await(int mebibytes) {
        long end = System.nanoTime() + PATIENCE.toNanos();
        boolean interrupted = false;
        boolean got = false;
        boolean tried = false;
        while (!tried) {
            try {
                long left = Math.max(0, end - System.nanoTime());
                got = largeLeft.tryAcquire(mebibytes, left, TimeUnit.NANOSECONDS);
                tried = true;
            } catch (InterruptedException _) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
        return got;
    }

    /** Tells how many mebibytes are out for large requests. */
    int largeOut() {
        return LARGE_TOTAL - largeLeft.availablePermits();
    }

    private record Pooled(BufferPool.Lease lease) implements Buffer {
        @Override
        public MemorySegment segment() {
            return lease.segment();
        }

        @Override
        public void close() {
            lease.close();
        }
    }

    private Buffer large(long count) {
        int mebibytes = mebibytes(count);
        try {
            Arena arena = Arena.ofShared();
            MemorySegment segment = arena.allocate(HEAD + count, BufferPool.ALIGNMENT);
            return new Large(segment, arena, () -> largeLeft.release(mebibytes));
        } catch (RuntimeException | Error failure) {
            largeLeft.release(mebibytes);
            throw failure;
        }
    }

    private record Large(MemorySegment segment, Arena arena, Runnable release) implements Buffer {
        @Override
        public void close() {
            arena.close();
            release.run();
        }
    }
}
