package dev.gaur;

import dev.gaur.block.BlockException;
import dev.gaur.graph.BlockDevice;
import java.io.IOException;
import java.io.InputStream;
import java.lang.foreign.MemorySegment;
import java.util.Objects;

/** A part of a disk as a stream. */
final class DiskInputStream extends InputStream {
    private final BlockDevice device;
    private final long end;
    private long position;

    DiskInputStream(BlockDevice device, long offset, long length) {
        this.device = device;
        this.position = offset;
        this.end = offset + length;
    }

    @Override
    public int read() throws IOException {
        byte[] one = new byte[1];
        return read(one, 0, 1) < 0 ? -1 : Byte.toUnsignedInt(one[0]);
    }

    @Override
    public int read(byte[] target, int offset, int length) throws IOException {
        Objects.checkFromIndexSize(offset, length, target.length);
        int count = (int) Math.min(end - position, length);
        if (count == 0) {
            return length == 0 ? 0 : -1;
        }
        try {
            device.read(position, MemorySegment.ofArray(target).asSlice(offset, count));
        } catch (BlockException failure) {
            throw new IOException(failure.getMessage(), failure);
        }
        position += count;
        return count;
    }

    @Override
    public long skip(long count) {
        long skipped = Math.clamp(count, 0, end - position);
        position += skipped;
        return skipped;
    }

    @Override
    public int available() {
        return (int) Math.min(end - position, Integer.MAX_VALUE);
    }
}
