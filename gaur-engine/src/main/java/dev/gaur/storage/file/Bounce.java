package dev.gaur.storage.file;

import dev.gaur.mem.BufferPool;
import java.lang.foreign.MemorySegment;

/** Lets requests with arrays pass through native memory, which the system needs. */
final class Bounce {
    private static final BufferPool POOL = new BufferPool(256 << 10, 8);

    private Bounce() {}

    /** A transfer between the file and native memory, all of it. */
    @FunctionalInterface
    interface Transfer {
        void at(long offset, MemorySegment buffer);
    }

    /** Reads into any memory. */
    static void read(long offset, MemorySegment target, Transfer read) {
        if (target.isNative()) {
            read.at(offset, target);
            return;
        }
        try (BufferPool.Lease lease = POOL.lease()) {
            long size = target.byteSize();
            for (long done = 0; done < size; ) {
                long count = Math.min(size - done, POOL.bufferSize());
                read.at(offset + done, lease.segment(count));
                MemorySegment.copy(lease.segment(), 0, target, done, count);
                done += count;
            }
        }
    }

    /** Writes from any memory. */
    static void write(long offset, MemorySegment source, Transfer write) {
        if (source.isNative()) {
            write.at(offset, source);
            return;
        }
        try (BufferPool.Lease lease = POOL.lease()) {
            long size = source.byteSize();
            for (long done = 0; done < size; ) {
                long count = Math.min(size - done, POOL.bufferSize());
                MemorySegment.copy(source, done, lease.segment(), 0, count);
                write.at(offset + done, lease.segment(count));
                done += count;
            }
        }
    }
}
