package dev.gaur.storage.file;

import dev.gaur.ffi.Errno;
import dev.gaur.ffi.Posix;
import dev.gaur.mem.BufferPool;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.StampedLock;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

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
    private final boolean device;

    /** Shared by writers of whole blocks; had alone by who completes blocks, or moves the end. */
    private final StampedLock changes = new StampedLock();

    /** How many want it alone: else who has no thread that waits would never let them. */
    private final AtomicInteger loners = new AtomicInteger();

    /** Who has it alone. */
    private volatile @Nullable Thread loner;

    private volatile long alignment = SECTOR;

    /**
     * @param fd the file, which stays the caller's
     * @param length of the file; moved by writes behind it
     * @param device whether the file is a device, which cannot be cut
     */
    DirectIo(String name, int fd, AtomicLong length, boolean device) {
        this.device = device;
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
        if (isLoner()) {
            return change.getAsLong();
        }
        long stamp = changes.readLock();
        try {
            return change.getAsLong();
        } finally {
            changes.unlockRead(stamp);
        }
    }

    /** Makes a change while nobody else makes one. */
    long alone(LongSupplier change) {
        if (isLoner()) {
            return change.getAsLong();
        }
        loners.incrementAndGet();
        try {
            long stamp = changes.writeLock();
            loner = Thread.currentThread();
            try {
                return change.getAsLong();
            } finally {
                loner = null;
                changes.unlockWrite(stamp);
            }
        } finally {
            loners.decrementAndGet();
        }
    }

    /** Who moves the end of a device writes zeros, too: the lock knows no owner. */
    private boolean isLoner() {
        return loner == Thread.currentThread();
    }

    /**
     * Lets a change of whole blocks begin beside others, until {@link #end}, which any thread may
     * call; does not wait.
     *
     * @return 0 if it cannot: it would change the end of the file or a part of a block, for any
     *     size that blocks may have, or somebody else wants to
     */
    long tryBegin(long offset, MemorySegment source) {
        if (!isAligned(offset, source, BufferPool.ALIGNMENT)
                || source.byteSize() == 0
                || loners.get() > 0) {
            return 0;
        }
        long stamp = changes.tryReadLock();
        if (stamp != 0 && offset > length.get() - source.byteSize()) {
            end(stamp);
            return 0;
        }
        return stamp;
    }

    /** Does a change that was begun, and could not be done so. */
    void writeBegun(long offset, MemorySegment source) {
        long size = source.byteSize();
        for (long done = 0; done < size; ) {
            long at = offset + done;
            done += checked("write", at, pwrite(source.asSlice(done), at));
        }
    }

    /** Ends a change that was begun. */
    void end(long stamp) {
        changes.unlockRead(stamp);
    }

    private static boolean isWhole(long offset, long size, long unit) {
        return ((offset | size) & (unit - 1)) == 0;
    }

    private static boolean isAligned(long offset, MemorySegment memory, long unit) {
        return memory.isNative() && isWhole(offset | memory.address(), memory.byteSize(), unit);
    }

    private static long down(long offset, long unit) {
        return offset & -unit;
    }

    private static long up(long offset, long unit) {
        return down(offset + unit - 1, unit);
    }

    private long checked(String doing, long offset, long result) {
        if (result < 0) {
            throw FileErrors.failed(name, doing, offset, (int) -result);
        }
        return result;
    }

    /**
     * What looked aligned was refused: tells whether larger blocks are worth a try.
     *
     * @param unit the size that was tried
     */
    private boolean tryLargerBlocks(long result, long unit) {
        if (result != -Errno.EINVAL || unit == BufferPool.ALIGNMENT) {
            return false;
        }
        alignment = BufferPool.ALIGNMENT;
        return true;
    }

    // ---- reading

    /** Tells whether a range can be read in one go, as far as is known, and is in the file. */
    boolean isPossibleAtOnce(long offset, MemorySegment target) {
        return isAligned(offset, target, alignment)
                && target.byteSize() > 0
                && offset <= length.get() - target.byteSize();
    }

    /** Reads any range into any memory. */
    void read(long offset, MemorySegment target) {
        long size = target.byteSize();
        for (long done = 0; done < size; ) {
            long at = offset + done;
            long unit = alignment;
            MemorySegment rest = target.asSlice(done);
            boolean aligned = isAligned(at, rest, unit);
            long count = aligned ? readSome(at, rest) : readAround(at, rest, unit);
            if (tryLargerBlocks(count, unit)) {
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
    private long readAround(long offset, MemorySegment target, long unit) {
        try (BufferPool.Lease lease = POOL.lease()) {
            long start = down(offset, unit);
            long end = up(offset + target.byteSize(), unit);
            long blocks = Math.min(end - start, POOL.bufferSize());
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
        long unit;
        do {
            long now = alignment;
            unit = now;
            if (isAligned(offset, source, now)) {
                count = beside(() -> moveEnd(offset, pwrite(source, offset)));
            } else if (isWhole(offset, source.byteSize(), now)) {
                count = beside(() -> writeBlocks(offset, source, now));
            } else {
                count = alone(() -> writeBlocks(offset, source, now));
            }
        } while (tryLargerBlocks(count, unit));
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
    private long writeBlocks(long offset, MemorySegment source, long unit) {
        try (BufferPool.Lease lease = POOL.lease()) {
            long start = down(offset, unit);
            long end = Math.min(offset + source.byteSize(), start + POOL.bufferSize());
            MemorySegment blocks = lease.segment(up(end, unit) - start);
            long last = down(end, unit);
            long read = start < offset ? complete(blocks.asSlice(0, unit), start) : 0;
            if (read >= 0 && end > last && (last > start || start == offset)) {
                read = complete(blocks.asSlice(last - start, unit), last);
            }
            if (read < 0) {
                return read;
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

    /** Reads a block; what lies behind the end of the file is zeros. Returns what failed. */
    private long complete(MemorySegment block, long at) {
        long count = readSome(at, block);
        block.asSlice(Math.max(0, count)).fill((byte) 0);
        return count;
    }

    /** A file ends where its last byte is, not where its last block does. */
    private void cut(long writtenTo, long end) {
        if (writtenTo > end && !device) {
            checked("write", end, Posix.ftruncate(fd, end));
        }
    }
}
