package dev.gaur.storage.file;

import dev.gaur.ffi.Errno;
import dev.gaur.ffi.Posix;
import dev.gaur.mem.BufferPool;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.ReadWriteLock;
import java.util.concurrent.locks.ReentrantReadWriteLock;
import java.util.function.LongSupplier;

/**
 * Requests to a file that is open with O_DIRECT: these must begin and end at multiples of the
 * device's blocks, and use memory that does. What does not passes through an aligned buffer; of a
 * block that is written in part the rest is read first, while nobody else writes. Safe for use by
 * many threads.
 */
final class DirectIo {
    private static final BufferPool POOL = new BufferPool(1 << 20, 4);

    /** What nearly every device takes. */
    private static final int SECTOR = 512;

    private final String name;
    private final int fd;
    private final AtomicLong length;

    /** Shared by writers of whole blocks; had alone by who completes blocks, or moves the end. */
    private final ReadWriteLock changes = new ReentrantReadWriteLock();

    private volatile long alignment = SECTOR;

    /**
     * @param fd the file, which stays the caller's
     * @param length of the file; moved by writes behind it
     */
    DirectIo(String name, int fd, AtomicLong length) {
        this.name = name;
        this.fd = fd;
        this.length = length;
    }

    /** Finds out how large the device's blocks are, as far as reading tells. */
    void probe() {
        try (BufferPool.Lease lease = POOL.lease()) {
            MemorySegment sector = lease.segment(SECTOR);
            long result = NativeStorage.uninterrupted(() -> Posix.pread(fd, sector, 0));
            if (result == -Errno.EINVAL) {
                alignment = BufferPool.ALIGNMENT;
            }
        }
    }

    /** Makes a change of whole blocks, or one that needs no buffer. */
    long beside(LongSupplier change) {
        changes.readLock().lock();
        try {
            return change.getAsLong();
        } finally {
            changes.readLock().unlock();
        }
    }

    /** Makes a change while nobody else makes one. */
    long alone(LongSupplier change) {
        changes.writeLock().lock();
        try {
            return change.getAsLong();
        } finally {
            changes.writeLock().unlock();
        }
    }

    private boolean isWhole(long offset, long size) {
        return ((offset | size) & (alignment - 1)) == 0;
    }

    private boolean isAligned(long offset, MemorySegment memory) {
        return memory.isNative() && isWhole(offset | memory.address(), memory.byteSize());
    }

    private long down(long offset) {
        return offset & -alignment;
    }

    private long up(long offset) {
        return down(offset + alignment - 1);
    }

    private long checked(String doing, long offset, long result) {
        if (result < 0) {
            throw FileErrors.failed(name, doing, offset, (int) -result);
        }
        return result;
    }

    /** What looked aligned was refused: tells whether larger blocks are worth a try. */
    private boolean tryLargerBlocks(long result) {
        if (result != -Errno.EINVAL || alignment == BufferPool.ALIGNMENT) {
            return false;
        }
        alignment = BufferPool.ALIGNMENT;
        return true;
    }

    // ---- reading

    /** Reads any range into any memory. */
    void read(long offset, MemorySegment target) {
        long size = target.byteSize();
        for (long done = 0; done < size; ) {
            long at = offset + done;
            MemorySegment rest = target.asSlice(done);
            long count = isAligned(at, rest) ? readSome(at, rest) : readAround(at, rest);
            if (tryLargerBlocks(count)) {
                continue;
            }
            if (checked("read", at, count) == 0) {
                throw FileErrors.ended(name, at);
            }
            done += count;
        }
    }

    private long readSome(long offset, MemorySegment target) {
        return NativeStorage.uninterrupted(() -> Posix.pread(fd, target, offset));
    }

    /** Reads the blocks that the beginning of a range touches; returns how much that gave. */
    private long readAround(long offset, MemorySegment target) {
        try (BufferPool.Lease lease = POOL.lease()) {
            long start = down(offset);
            long blocks = Math.min(up(offset + target.byteSize()) - start, POOL.bufferSize());
            long read = readSome(start, lease.segment(blocks));
            if (read < 0) {
                return read;
            }
            long count = Math.clamp(start + read - offset, 0, target.byteSize());
            MemorySegment.copy(lease.segment(), offset - start, target, 0, count);
            return count;
        }
    }

    // ---- writing

    /** Writes any range from any memory. */
    void write(long offset, MemorySegment source) {
        long size = source.byteSize();
        for (long done = 0; done < size; ) {
            done += writeSome(offset + done, source.asSlice(done));
        }
    }

    /** Writes the beginning of a range; returns how much. */
    private long writeSome(long offset, MemorySegment source) {
        long count;
        do {
            if (isAligned(offset, source)) {
                count = beside(() -> moveEnd(offset, pwrite(source, offset)));
            } else if (isWhole(offset, source.byteSize())) {
                count = beside(() -> writeBlocks(offset, source));
            } else {
                count = alone(() -> writeBlocks(offset, source));
            }
        } while (tryLargerBlocks(count));
        return checked("write", offset, count);
    }

    private long pwrite(MemorySegment bytes, long at) {
        return NativeStorage.uninterrupted(() -> Posix.pwrite(fd, bytes, at));
    }

    private long moveEnd(long offset, long count) {
        if (count > 0) {
            length.accumulateAndGet(offset + count, Math::max);
        }
        return count;
    }

    /** Writes the beginning of a range through a buffer, completing the blocks at both ends. */
    private long writeBlocks(long offset, MemorySegment source) {
        try (BufferPool.Lease lease = POOL.lease()) {
            long start = down(offset);
            long end = Math.min(offset + source.byteSize(), start + POOL.bufferSize());
            MemorySegment blocks = lease.segment(up(end) - start);
            if (start < offset) {
                complete(blocks, start, start);
            }
            if (end < up(end) && (down(end) > start || start == offset)) {
                complete(blocks, start, down(end));
            }
            MemorySegment.copy(source, 0, blocks, offset - start, end - offset);
            long written = pwrite(blocks, start);
            if (written < 0) {
                return written;
            }
            long count = Math.clamp(start + written - offset, 0, end - offset);
            cut(start + written, Math.max(length.get(), offset + count));
            return moveEnd(offset, count);
        }
    }

    /** Reads the block at {@code at}; what lies behind the end of the file is zeros. */
    private void complete(MemorySegment blocks, long start, long at) {
        MemorySegment block = blocks.asSlice(at - start, alignment);
        long count = checked("read", at, readSome(at, block));
        block.asSlice(count).fill((byte) 0);
    }

    /** A file ends where its last byte is, not where its last block does. */
    private void cut(long writtenTo, long end) {
        if (writtenTo > end) {
            checked("write", end, Posix.ftruncate(fd, end));
        }
    }
}
