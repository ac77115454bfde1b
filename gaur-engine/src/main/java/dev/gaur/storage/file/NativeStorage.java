package dev.gaur.storage.file;

import dev.gaur.block.BlockException;
import dev.gaur.block.Durability;
import dev.gaur.block.Extent;
import dev.gaur.block.ExtentVisitor;
import dev.gaur.block.Limits;
import dev.gaur.block.PendingRequest;
import dev.gaur.block.StorageNode;
import dev.gaur.block.ZeroMode;
import dev.gaur.ffi.Errno;
import dev.gaur.ffi.Posix;
import dev.gaur.mem.Zeros;
import dev.gaur.storage.StorageOptions;
import dev.gaur.sync.Gate;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * A file through system calls. Safe for use by many threads; requests hold a {@link Gate} open, so
 * that the descriptor is closed, and its number free for another file, only after the last of them.
 */
final class NativeStorage implements StorageNode {
    private final String name;
    private final long inode;
    private final boolean device;
    private final int fd;
    private final boolean writable;
    private final AtomicLong length;
    private final @Nullable DirectIo direct;
    private final Gate gate = new Gate();

    private volatile Waiting waiting = Waiting.UNKNOWN;

    /** Whether reads wait, and whether the file system says so. */
    private enum Waiting {
        UNKNOWN,
        /** It says so. */
        TOLD,
        /** They may, and it does not say. */
        NOT_TOLD,
        /** They don't: all of it is in memory. */
        NEVER;

        static Waiting of(int fd) {
            if (Posix.knowsNoWait(fd)) {
                return TOLD;
            }
            return Posix.fstatfsType(fd) == Posix.TMPFS_MAGIC ? NEVER : NOT_TOLD;
        }
    }

    private final Object makingAio = new Object();
    private volatile @Nullable AioRequests aio;

    private final FileHints hints;

    private NativeStorage(
            String name, FileIdentity identity, int fd, boolean writable, boolean direct) {
        this.name = name;
        this.inode = identity.inode();
        this.device = identity.kind() == FileIdentity.Kind.BLOCK_DEVICE;
        this.fd = fd;
        this.writable = writable;
        this.length = new AtomicLong(Posix.lseek(fd, 0, Posix.SEEK_END));
        this.hints = new FileHints(fd);
        this.direct = direct ? new DirectIo(name, fd, length, device) : null;
    }

    /**
     * Opens a file.
     *
     * @param name its path, which messages have too
     * @param identity what was found there
     */
    static NativeStorage open(
            String name, FileIdentity identity, StorageOptions options, Claim claim) {
        boolean writable = options.writable();
        boolean direct = options.direct() && Posix.O_DIRECT != 0;
        int access = writable ? Posix.O_RDWR : Posix.O_RDONLY;
        int fd = Posix.open(name, access | Posix.O_CLOEXEC | (direct ? Posix.O_DIRECT : 0), 0);
        if (fd == -Errno.EINVAL && direct) {
            throw FileErrors.noDirectAccess(name);
        } else if (fd < 0) {
            throw FileErrors.failed(name, "", BlockException.NO_OFFSET, -fd);
        }
        NativeStorage storage = new NativeStorage(name, identity, fd, writable, direct);
        try {
            storage.checked("", BlockException.NO_OFFSET, storage.length.get());
            storage.claim(claim);
            if (storage.direct != null) {
                storage.direct.probe();
            }
            return storage;
        } catch (RuntimeException failure) {
            storage.close();
            throw failure;
        }
    }

    @Override
    public String name() {
        return name;
    }

    @Override
    public boolean writable() {
        return writable;
    }

    @Override
    public Limits limits() {
        return Limits.NONE;
    }

    @Override
    public long length() {
        return length.get();
    }

    // ---- requests

    private int enter() {
        int ticket = gate.enter();
        if (ticket == Gate.CLOSED) {
            throw FileErrors.closed(name);
        }
        return ticket;
    }

    private int enterForWriting() {
        if (!writable) {
            throw FileErrors.readOnly(name);
        }
        return enter();
    }

    static long uninterrupted(LongSupplier call) {
        long result = call.getAsLong();
        while (result == -Errno.EINTR) {
            result = call.getAsLong();
        }
        return result;
    }

    private long checked(String doing, long offset, long result) {
        if (result < 0) {
            throw FileErrors.failed(name, doing, offset, (int) -result);
        }
        return result;
    }

    @Override
    public void read(long offset, MemorySegment target) {
        int ticket = enter();
        try {
            if (direct != null) {
                direct.read(offset, target);
            } else {
                Bounce.read(offset, target, this::readAll);
            }
        } finally {
            gate.leave(ticket);
        }
    }

    private void readAll(long offset, MemorySegment target) {
        long size = target.byteSize();
        long done = Posix.pread(fd, target, offset); // All of it, nearly always.
        if (done == size) {
            return;
        }
        done = Math.max(done, 0);
        while (done < size) {
            long at = offset + done;
            MemorySegment rest = target.asSlice(done);
            long count = uninterrupted(() -> Posix.pread(fd, rest, at));
            if (checked("read", at, count) == 0) {
                throw FileErrors.ended(name, at);
            }
            done += count;
        }
    }

    @Override
    public boolean tryRead(long offset, MemorySegment target) {
        if (direct != null || !target.isNative()) {
            return false;
        }
        int ticket = enter();
        try {
            Waiting known = waiting;
            if (known == Waiting.NEVER) {
                return Posix.pread(fd, target, offset) == target.byteSize();
            }
            if (known == Waiting.NOT_TOLD) {
                return false;
            }
            long count = Posix.preadv2(fd, target, offset, Posix.RWF_NOWAIT);
            if (count < 0 && known == Waiting.UNKNOWN) {
                waiting = Waiting.of(fd);
            }
            return count == target.byteSize();
        } finally {
            gate.leave(ticket);
        }
    }

    @Override
    public boolean prefetch(long offset, long length) {
        if (direct != null || waiting == Waiting.NOT_TOLD) {
            return false; // Nobody could tell when it is there.
        }
        int ticket = enter();
        try {
            return Posix.fadviseWillNeed(fd, offset, length);
        } finally {
            gate.leave(ticket);
        }
    }

    @Override
    public @Nullable PendingRequest beginRead(long offset, MemorySegment target) {
        if (direct == null || !direct.isPossibleAtOnce(offset, target)) {
            return null;
        }
        return aio(direct).beginRead(offset, target, enter());
    }

    private AioRequests aio(DirectIo io) {
        AioRequests known = aio;
        return known != null ? known : makeAio(io);
    }

    /** Under a lock of its own: who changes the length waits for writes that were begun. */
    private AioRequests makeAio(DirectIo io) {
        synchronized (makingAio) {
            AioRequests known = aio != null ? aio : new AioRequests(fd, io, gate);
            aio = known;
            return known;
        }
    }

    @Override
    public @Nullable PendingRequest beginWrite(long offset, MemorySegment source) {
        long stamp = direct == null ? 0 : direct.tryBegin(offset, source);
        if (direct == null || stamp == 0) {
            return null;
        }
        PendingRequest begun = null;
        try {
            begun = aio(direct).beginWrite(offset, source, enterForWriting(), stamp);
        } finally {
            if (begun == null) {
                direct.end(stamp);
            }
        }
        return begun;
    }

    @Override
    public void write(long offset, MemorySegment source, Durability durability) {
        int ticket = enterForWriting();
        try {
            put(offset, source);
            stabilise(durability);
        } finally {
            gate.leave(ticket);
        }
    }

    private void put(long offset, MemorySegment source) {
        if (direct != null) {
            direct.write(offset, source);
        } else {
            Bounce.write(offset, source, this::writeAll);
        }
    }

    private void writeAll(long offset, MemorySegment source) {
        long size = source.byteSize();
        for (long done = 0; done < size; ) {
            long at = offset + done;
            MemorySegment rest = source.asSlice(done);
            done += checked("write", at, uninterrupted(() -> Posix.pwrite(fd, rest, at)));
            length.accumulateAndGet(offset + done, Math::max);
        }
    }

    private void stabilise(Durability durability) {
        if (durability == Durability.STABLE) {
            sync();
        }
    }

    private void sync() {
        checked("flush", BlockException.NO_OFFSET, uninterrupted(() -> Posix.fdatasync(fd)));
    }

    @Override
    public void flush() {
        int ticket = enter();
        try {
            if (writable) {
                sync();
            }
        } finally {
            gate.leave(ticket);
        }
    }

    @Override
    public void zero(long offset, long count, ZeroMode mode, Durability durability) {
        int ticket = enterForWriting();
        try {
            if (count > 0 && !zeroRange(offset, count, mode)) {
                FileErrors.requireSlowZeros(name, mode);
                writeZeros(offset, count);
            }
            stabilise(durability);
        } finally {
            gate.leave(ticket);
        }
    }

    /** Has the file system do it; false if it cannot. */
    private boolean zeroRange(long offset, long count, ZeroMode mode) {
        int how = mode.unmaps() ? Posix.FALLOC_FL_PUNCH_HOLE : Posix.FALLOC_FL_ZERO_RANGE;
        return offset + count <= length() && fallocate("write zeros", how, offset, count);
    }

    /** False if the file system does not know the mode. */
    private boolean fallocate(String doing, int mode, long offset, long count) {
        int flags = mode | Posix.FALLOC_FL_KEEP_SIZE;
        LongSupplier call = () -> Posix.fallocate(fd, flags, offset, count);
        long result =
                direct == null ? uninterrupted(call) : direct.beside(() -> uninterrupted(call));
        if (result == -Errno.EOPNOTSUPP || result == -Errno.EINVAL || result == -Errno.ENOSYS) {
            return false;
        }
        checked(doing, offset, result);
        return true;
    }

    private void writeZeros(long offset, long count) {
        for (long done = 0; done < count; ) {
            long size = Math.min(count - done, Zeros.SIZE);
            put(offset + done, Zeros.bytes().asSlice(0, size));
            done += size;
        }
    }

    @Override
    public void discard(long offset, long count) {
        int ticket = enterForWriting();
        try {
            if (count > 0) {
                // A file system without holes may keep the space: a discard is only a hint.
                fallocate("discard", Posix.FALLOC_FL_PUNCH_HOLE, offset, count);
            }
        } finally {
            gate.leave(ticket);
        }
    }

    @Override
    public synchronized void resize(long newLength) {
        int ticket = enterForWriting();
        try {
            if (direct != null) { // Who writes behind the end is not zeroed, nor cut off.
                direct.alone(() -> setLength(newLength));
            } else {
                setLength(newLength);
            }
        } finally {
            gate.leave(ticket);
        }
    }

    @Override
    public void startWriting(long offset, long count) {
        if (direct == null) { // Else it is there already.
            hint(() -> hints.startWriting(offset, count));
        }
    }

    @Override
    public void reserve(long offset, long count) {
        hint(() -> hints.reserve(offset, count));
    }

    @Override
    public boolean isDirect() {
        return direct != null;
    }

    private void hint(Runnable call) {
        int ticket = enterForWriting();
        try {
            call.run();
        } finally {
            gate.leave(ticket);
        }
    }

    private long setLength(long newLength) {
        return device ? resizeDevice(newLength) : cut(newLength);
    }

    private long cut(long newLength) {
        long result = uninterrupted(() -> Posix.ftruncate(fd, newLength));
        checked("resize", newLength, result);
        length.set(newLength);
        return result;
    }

    /** A device stays as it is; but others may have made it larger since it was opened. */
    private long resizeDevice(long newLength) {
        long end = checked("resize", newLength, Posix.lseek(fd, 0, Posix.SEEK_END));
        if (newLength > end) {
            throw FileErrors.failed(name, "resize", newLength, Errno.ENOSPC);
        }
        long before = length.getAndSet(newLength);
        if (newLength > before) {
            try {
                zero(before, newLength - before, ZeroMode.KEEP, Durability.CACHED);
            } catch (RuntimeException failure) {
                length.set(before);
                throw failure;
            }
        }
        return newLength;
    }

    @Override
    public long allocatedBytes() {
        int ticket = enter();
        try {
            long known = Posix.statxAllocatedBytes(name);
            return known >= 0 ? known : length();
        } finally {
            gate.leave(ticket);
        }
    }

    // ---- holes

    @Override
    public void extents(long offset, long count, ExtentVisitor visitor) {
        long end = offset + count;
        boolean goOn = true;
        for (long at = offset; at < end && goOn; ) {
            Extent extent = extentAt(at, end);
            goOn = visitor.visit(extent);
            at = extent.end();
        }
    }

    private Extent extentAt(long at, long end) {
        int ticket = enter();
        try {
            long data = Posix.lseekSparse(fd, at, Posix.SEEK_DATA);
            // A file system that knows no holes finds nothing; where there is a hole up to the end,
            // the hole can be found.
            long hole = data > at ? at : Posix.lseekSparse(fd, at, Posix.SEEK_HOLE);
            if (data != at && hole == at) {
                long next = data > at ? Math.min(data, end) : end;
                return new Extent.Zero(at, next - at, 0, at);
            }
            long next = hole > at ? Math.min(hole, end) : end;
            return new Extent.Data(at, next - at, 0, at, false);
        } finally {
            gate.leave(ticket);
        }
    }

    // ---- locks, end

    @Override
    public void excludeWriters() {
        int ticket = enter();
        try {
            claim((writable ? Claim.WRITE : Claim.READ).exclusive());
        } finally {
            gate.leave(ticket);
        }
    }

    private void claim(Claim claim) {
        for (long lockByte : claim.held()) {
            int result = Posix.fcntl(fd, Posix.F_OFD_SETLK, Posix.F_RDLCK, lockByte);
            if (result == -Errno.EAGAIN || result == -Errno.EACCES) {
                throw busy(lockByte);
            } else if (result < 0) {
                return; // A file system without locks: QEMU goes without, too.
            }
        }
        for (long lockByte : claim.refused()) {
            int inTheWay = Posix.fcntl(fd, Posix.F_OFD_GETLK, Posix.F_WRLCK, lockByte);
            if (inTheWay >= 0 && inTheWay != Posix.F_UNLCK) {
                throw busy(lockByte);
            }
        }
    }

    private BlockException.Busy busy(long lockByte) {
        return Claim.busy(name, lockByte, LockHolders.describe(inode, lockByte));
    }

    @Override
    public void close() {
        if (gate.close()) {
            AioRequests used = aio;
            if (used != null) {
                used.close();
            }
            Posix.close(fd);
        }
    }
}
