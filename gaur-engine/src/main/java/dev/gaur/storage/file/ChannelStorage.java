package dev.gaur.storage.file;

import dev.gaur.block.BlockException;
import dev.gaur.block.Durability;
import dev.gaur.block.Extent;
import dev.gaur.block.ExtentVisitor;
import dev.gaur.block.Limits;
import dev.gaur.block.StorageNode;
import dev.gaur.block.ZeroMode;
import dev.gaur.ffi.Errno;
import dev.gaur.ffi.Posix;
import dev.gaur.mem.Zeros;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedByInterruptException;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.FileChannel;
import java.util.concurrent.atomic.AtomicLong;

/**
 * A file through {@link FileChannel}: on every system, and ready at once. Knows nothing of holes:
 * everything is data, zeros are written, a discard does nothing. Safe for use by many threads; an
 * interrupt does not end a request.
 */
final class ChannelStorage implements StorageNode {
    /** One transfer: an interrupt makes that much to be done again. */
    private static final int TRANSFER_MAX = 1 << 20;

    private final String name;
    private final boolean device;
    private final SharedFile.User file;
    private final boolean writable;
    private final AtomicLong length;

    /** Takes over an opened file. */
    ChannelStorage(String name, FileIdentity identity, SharedFile.User file, boolean writable)
            throws IOException {
        this.name = name;
        this.device = identity.kind() == FileIdentity.Kind.BLOCK_DEVICE;
        this.file = file;
        this.writable = writable;
        this.length = new AtomicLong(file.channel().size());
    }

    /** What is done with the channel; done again if an interrupt closed it on the way. */
    @FunctionalInterface
    private interface Action {
        long on(FileChannel channel) throws IOException;
    }

    private long run(String doing, long offset, Action action) {
        boolean interrupted = false;
        try {
            while (true) {
                interrupted |= Thread.interrupted();
                try {
                    return action.on(file.channel());
                } catch (ClosedByInterruptException _) {
                    interrupted = true;
                } catch (ClosedChannelException _) {
                    // Another thread was interrupted, or we were closed: the next round tells.
                }
            }
        } catch (IOException failure) {
            throw FileErrors.failed(name, doing, offset, failure);
        } finally {
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
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

    @Override
    public void read(long offset, MemorySegment target) {
        if (isBuffer(target)) {
            readAll(offset, target);
        } else {
            Bounce.read(offset, target, this::readAll);
        }
    }

    /** What Java's channels take: native memory, or an array of bytes. */
    private static boolean isBuffer(MemorySegment memory) {
        return memory.isNative() || memory.heapBase().orElse(memory) instanceof byte[];
    }

    private void readAll(long offset, MemorySegment target) {
        for (long done = 0; done < target.byteSize(); ) {
            done += read(offset + done, part(target, done));
        }
    }

    /** {@inheritDoc} Uses no segment. */
    @Override
    public void read(long offset, byte[] target, int start, int count) {
        for (int done = 0; done < count; ) {
            int size = Math.min(count - done, TRANSFER_MAX);
            done += read(offset + done, ByteBuffer.wrap(target, start + done, size));
        }
    }

    private static ByteBuffer zeros(int count) {
        return Zeros.bytes().asSlice(0, count).asByteBuffer();
    }

    private int read(long offset, ByteBuffer target) {
        int count = (int) run("read", offset, channel -> channel.read(target, offset));
        if (count < 0) {
            throw FileErrors.ended(name, offset);
        }
        return count;
    }

    /** The next piece of a buffer. */
    private static ByteBuffer part(MemorySegment buffer, long done) {
        return buffer.asSlice(done, Math.min(buffer.byteSize() - done, TRANSFER_MAX))
                .asByteBuffer();
    }

    @Override
    public void write(long offset, MemorySegment source, Durability durability) {
        checkWritable();
        Bounce.write(offset, source, this::writeAll);
        stabilise(durability);
    }

    private void writeAll(long offset, MemorySegment source) {
        for (long done = 0; done < source.byteSize(); ) {
            done += write(offset + done, part(source, done));
        }
    }

    private long write(long offset, ByteBuffer source) {
        long count = run("write", offset, channel -> channel.write(source, offset));
        length.accumulateAndGet(offset + count, Math::max);
        return count;
    }

    private void stabilise(Durability durability) {
        if (durability == Durability.STABLE) {
            flush();
        }
    }

    @Override
    public void zero(long offset, long count, ZeroMode mode, Durability durability) {
        checkWritable();
        FileErrors.requireSlowZeros(name, mode);
        for (long done = 0; done < count; ) {
            int size = (int) Math.min(count - done, Zeros.SIZE);
            done += write(offset + done, zeros(size));
        }
        stabilise(durability);
    }

    @Override
    public void discard(long offset, long count) {
        checkWritable();
    }

    private void checkWritable() {
        if (!writable) {
            throw FileErrors.readOnly(name);
        }
    }

    @Override
    public void flush() {
        run(
                "flush",
                BlockException.NO_OFFSET,
                channel -> {
                    if (writable) {
                        channel.force(false);
                    }
                    return 0;
                });
    }

    @Override
    public void extents(long offset, long count, ExtentVisitor visitor) {
        if (count > 0) {
            visitor.visit(new Extent.Data(offset, count, 0, offset, false));
        }
    }

    /** {@inheritDoc} Java cannot tell: without native access this is the length. */
    @Override
    public long allocatedBytes() {
        long known = LauncherHint.allocatedBytes(name);
        if (known < 0 && Posix.isAvailable()) {
            known = Posix.statxAllocatedBytes(name);
        }
        return known >= 0 ? known : length();
    }

    @Override
    public synchronized void resize(long newLength) {
        checkWritable();
        if (device) {
            resizeDevice(newLength);
            return;
        }
        run(
                "resize",
                newLength,
                channel -> {
                    if (newLength > channel.size()) {
                        channel.write(zeros(1), newLength - 1);
                    } else {
                        channel.truncate(newLength);
                    }
                    return 0;
                });
        length.set(newLength);
    }

    /** A device stays as it is; but others may have made it larger since it was opened. */
    private void resizeDevice(long newLength) {
        if (newLength > run("resize", newLength, FileChannel::size)) {
            throw FileErrors.failed(name, "resize", newLength, Errno.ENOSPC);
        }
        long before = length.get();
        if (newLength > before) {
            zero(before, newLength - before, ZeroMode.KEEP, Durability.CACHED);
        }
        length.set(newLength);
    }

    @Override
    public void excludeWriters() {
        run(
                "",
                BlockException.NO_OFFSET,
                _ -> {
                    file.claim((writable ? Claim.WRITE : Claim.READ).exclusive());
                    return 0;
                });
    }

    @Override
    public void close() {
        file.close();
    }
}
