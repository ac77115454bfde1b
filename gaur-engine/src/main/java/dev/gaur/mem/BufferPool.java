package dev.gaur.mem;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.ref.Cleaner;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * Leases native buffers of one size, aligned for O_DIRECT. Safe for use by many threads; never
 * blocks. A pool makes as many as it keeps; when all of them are out, each further one is made for
 * its lease alone and freed as soon as that is closed. So a pool never has more memory than it
 * keeps and its users have out, whenever the garbage collector runs; it gives up what it keeps with
 * itself.
 *
 * <p>What is kept counts against the JVM's bound for direct memory. Where that is reached a pool
 * keeps what it has, and goes on with buffers for one lease, which the JVM does not count. Freeing
 * one takes about 0.1 ms, during which the JVM looks what each thread does: not more than the
 * collector would take for it, but nothing for the common case.
 */
public final class BufferPool {
    /** Alignment of every buffer in bytes: enough for O_DIRECT on any device in use. */
    public static final int ALIGNMENT = 4096;

    private final int bufferSize;
    private final int keep;
    private final ArrayBlockingQueue<MemorySegment> free;
    private final AtomicInteger made = new AtomicInteger(); // Of those that are kept.

    /**
     * @param bufferSize bytes of each buffer
     * @param keep how many buffers stay for their next use
     */
    public BufferPool(int bufferSize, int keep) {
        this.bufferSize = bufferSize;
        this.keep = keep;
        this.free = new ArrayBlockingQueue<>(keep);
    }

    /** Returns the size of each buffer in bytes. */
    public int bufferSize() {
        return bufferSize;
    }

    /** Leases a buffer; its content is whatever its last user left there. */
    public Lease lease() {
        Lease kept = tryLease();
        return kept != null ? kept : once(bufferSize);
    }

    /**
     * The same, but of those that the pool keeps: their memory lives as long as it is reachable,
     * whatever becomes of the lease.
     *
     * @return null if all of them are out
     */
    public @Nullable Lease tryLease() {
        MemorySegment ready = free.poll();
        if (ready != null) {
            return new Lease(this, ready);
        }
        if (mayKeepAnother()) {
            try {
                return new Lease(this, allocate(bufferSize));
            } catch (OutOfMemoryError _) {
                made.set(keep); // Asking once more would take half a second each time.
            }
        }
        return null;
    }

    private boolean mayKeepAnother() {
        int before = made.get();
        while (before < keep) {
            if (made.compareAndSet(before, before + 1)) {
                return true;
            }
            before = made.get();
        }
        return false;
    }

    /** Leases an aligned, zeroed buffer of any size that no pool keeps. */
    public static Lease once(long size) {
        Arena arena = Arena.ofShared();
        return new Lease(arena, arena.allocate(size, ALIGNMENT));
    }

    /**
     * Allocates an aligned, zeroed native buffer that lives as long as it is reachable and may be
     * used by every thread. Not for what comes and goes with each request: the collector finds out
     * about it late.
     */
    public static MemorySegment allocate(long size) {
        return Arena.ofAuto().allocate(size, ALIGNMENT);
    }

    /** Frees what belongs to leases that were lost, with whatever had them. */
    private static final class Lost {
        static final Cleaner CLEANER = Cleaner.create();
    }

    /**
     * A leased buffer; closing gives it back. Not to be used after that, nor closed twice: memory
     * that is freed is not touched by who does, but has an IllegalStateException for him.
     */
    public static final class Lease implements AutoCloseable {
        private final @Nullable BufferPool home;
        private final Cleaner.@Nullable Cleanable memory;
        private final MemorySegment segment;
        private boolean closed;

        private Lease(BufferPool home, MemorySegment segment) {
            this.home = home;
            this.memory = null;
            this.segment = segment;
        }

        private Lease(Arena arena, MemorySegment segment) {
            this.home = null;
            this.memory = Lost.CLEANER.register(this, arena::close);
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
            if (home != null) {
                home.free.add(segment);
            } else if (memory != null) {
                memory.clean();
            }
        }
    }
}
