package dev.gaur;

import dev.gaur.block.BlockException;
import dev.gaur.block.Durability;
import dev.gaur.graph.BlockDevice;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.NonWritableChannelException;
import java.nio.channels.SeekableByteChannel;

/** A disk as a channel. Its monitor is held during each operation. */
final class DiskChannel implements SeekableByteChannel {
    private final BlockDevice device;
    private long position;
    private volatile boolean closed;

    DiskChannel(BlockDevice device) {
        this.device = device;
    }

    private void checkOpen() throws ClosedChannelException {
        if (closed) {
            throw new ClosedChannelException();
        }
    }

    /** How many of {@code wanted} bytes there are from the position on. */
    private int present(int wanted) {
        return Math.clamp(device.length() - position, 0, wanted);
    }

    @Override
    public synchronized int read(ByteBuffer target) throws IOException {
        checkOpen();
        if (target.isReadOnly()) {
            throw new IllegalArgumentException("read-only buffer");
        }
        int count = present(target.remaining());
        if (count == 0) {
            return target.hasRemaining() ? -1 : 0;
        }
        try {
            device.read(position, MemorySegment.ofBuffer(target).asSlice(0, count));
        } catch (BlockException failure) {
            throw new IOException(failure.getMessage(), failure);
        }
        target.position(target.position() + count);
        position += count;
        return count;
    }

    @Override
    public synchronized int write(ByteBuffer source) throws IOException {
        checkOpen();
        checkWritable();
        int count = present(source.remaining());
        if (count == 0 && source.hasRemaining()) {
            throw new IOException(device.image().name() + ": the disk ends at " + device.length());
        }
        try {
            MemorySegment bytes = MemorySegment.ofBuffer(source).asSlice(0, count);
            device.write(position, bytes, Durability.CACHED);
        } catch (BlockException failure) {
            throw new IOException(failure.getMessage(), failure);
        }
        source.position(source.position() + count);
        position += count;
        return count;
    }

    private void checkWritable() {
        if (!device.image().writable()) {
            throw new NonWritableChannelException();
        }
    }

    @Override
    public synchronized long position() throws IOException {
        checkOpen();
        return position;
    }

    @Override
    public synchronized SeekableByteChannel position(long newPosition) throws IOException {
        checkOpen();
        if (newPosition < 0) {
            throw new IllegalArgumentException("negative position " + newPosition);
        }
        position = newPosition;
        return this;
    }

    @Override
    public long size() throws IOException {
        checkOpen();
        return device.length();
    }

    /** Does nothing for a size that is not smaller; disks are not cut. */
    @Override
    public synchronized SeekableByteChannel truncate(long size) throws IOException {
        checkOpen();
        checkWritable();
        if (size < device.length()) {
            throw new IOException(device.image().name() + ": a disk cannot be cut by a channel");
        }
        position = Math.min(position, size);
        return this;
    }

    @Override
    public boolean isOpen() {
        return !closed;
    }

    @Override
    public void close() {
        closed = true;
    }
}
