package dev.gaur.storage.file;

import dev.gaur.mem.BufferPool;
import java.lang.foreign.MemorySegment;

/**
 * Reads of a file that is open with O_DIRECT: these must begin and end at multiples of the device's
 * blocks, and go to memory that does. What does not passes through an aligned buffer.
 */
final class DirectReads {
    private static final BufferPool POOL = new BufferPool(1 << 20, 4);

    private DirectReads() {}

    /** A read into aligned memory; returns how much was read, 0 at the end of the file. */
    @FunctionalInterface
    interface Reader {
        long read(long offset, MemorySegment target);
    }

    /** Tells whether a read may go straight to its target. */
    static boolean isAligned(long offset, MemorySegment target) {
        long all = offset | target.byteSize() | target.address();
        return target.isNative() && (all & (BufferPool.ALIGNMENT - 1)) == 0;
    }

    /** Reads any range into any memory. */
    static void read(String name, long offset, MemorySegment target, Reader reader) {
        long size = target.byteSize();
        try (BufferPool.Lease lease = POOL.lease()) {
            for (long done = 0; done < size; ) {
                long at = offset + done;
                long start = at & -BufferPool.ALIGNMENT;
                long wanted = offset + size - start + BufferPool.ALIGNMENT - 1;
                long length = Math.min(wanted & -BufferPool.ALIGNMENT, POOL.bufferSize());
                long count = start + reader.read(start, lease.segment(length)) - at;
                if (count <= 0) {
                    throw FileErrors.ended(name, at);
                }
                long part = Math.min(count, size - done);
                MemorySegment.copy(lease.segment(), at - start, target, done, part);
                done += part;
            }
        }
    }
}
