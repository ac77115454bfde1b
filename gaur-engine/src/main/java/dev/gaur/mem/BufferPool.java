package dev.gaur.mem;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.ArrayBlockingQueue;

/**
 * Leases native buffers of one size, aligned for O_DIRECT. Safe for use by many threads; never
 * blocks: when no buffer lies ready, a new one is made, and one that finds the pool full is left to
 * the garbage collector. So the pool bounds what it keeps, its users bound what is out.
 */
public final class BufferPool {
    /** Alignment of every buffer in bytes: enough for O_DIRECT on any device in use. */
    public static final int ALIGNMENT = 4096;

    private final int bufferSize;
    private final ArrayBlockingQueue<MemorySegment> free;

    /**
     * @param bufferSize bytes of each buffer
     * @param keep how many returned buffers wait for their next use
     */
    public BufferPool(int bufferSize, int keep) {
        this.bufferSize = bufferSize;
        this.free = new ArrayBlockingQueue<>(keep);
    }

    /** Returns the size of each buffer in bytes. */
    public int bufferSize() {
        return bufferSize;
    }

    /** Leases a buffer; its content is whatever its last user left there. */
    public Lease lease() {
        MemorySegment ready = free.poll();
        return new Lease(ready != null ? ready : allocate(bufferSize));
    }

    /**
     * Allocates an aligned, zeroed native buffer that lives as long as it is reachable and may be
     * used by every thread.
     */
    public static MemorySegment allocate(long size) {
        return Arena.ofAuto().allocate(size, ALIGNMENT);
    }

    /** A leased buffer; closing gives it back. Not to be used after that, nor closed twice. */
    public final class Lease implements AutoCloseable {
        private final MemorySegment segment;
        private boolean closed;

        private Lease(MemorySegment segment) {
            this.segment = segment;
        }

        /** Returns the whole buffer. */
        public MemorySegment segment() {
            return segment;
        }

        /** Returns the first {@code length} bytes of the buffer. */
        public MemorySegment segment(long length) {
            return segment.asSlice(0, length);
        }

        @Override
        public void close() {
            if (closed) {
                throw new AssertionError("buffer given back twice");
            }
            closed = true;
            free.offer(segment);
        }
    }
}
