package dev.gaur.export;

import dev.gaur.mem.BufferPool;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.Semaphore;

/**
 * Memory for the data of requests that do not fit into a connection's own buffers, with room for a
 * header before the data, which is aligned for O_DIRECT. Safe for use by many threads.
 */
final class Buffers {
    /** Where the data begins; the header ends there. */
    private static final int HEAD = BufferPool.ALIGNMENT;

    private static final int SMALL = 64 << 10;
    private static final int MEDIUM = 2 << 20;

    /** What all large requests of a server together may take, in mebibytes. */
    private static final int LARGE_TOTAL = 256;

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

    /** Leases memory for {@code count} bytes; waits only where much is asked for. */
    Buffer lease(long count) {
        if (count > MEDIUM) {
            return large(count);
        }
        BufferPool.Lease lease = (count > SMALL ? medium : small).lease();
        return new Pooled(lease);
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
        int mebibytes = Math.toIntExact((count >> 20) + 1);
        largeLeft.acquireUninterruptibly(mebibytes);
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
