package dev.gaur.filter;

import dev.gaur.block.BlockNode;
import dev.gaur.block.Durability;
import dev.gaur.block.ExtentVisitor;
import dev.gaur.block.FilterNode;
import dev.gaur.block.Limits;
import dev.gaur.block.ZeroMode;
import dev.gaur.format.Compressing;
import dev.gaur.mem.BufferPool;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.locks.Lock;
import java.util.concurrent.locks.ReentrantReadWriteLock;

/**
 * Makes every write a compressed one. A write that does not fill its units is laid over what is
 * there; meanwhile nobody else writes.
 */
public final class CompressAll implements FilterNode {
    private final BlockNode image;
    private final Compressing compressing;
    private final Lock sharing;
    private final Lock alone;

    /**
     * Wraps an image, and owns it from then on.
     *
     * @param compressing how the image compresses
     */
    public CompressAll(BlockNode image, Compressing compressing) {
        this.image = image;
        this.compressing = compressing;
        ReentrantReadWriteLock lock = new ReentrantReadWriteLock();
        sharing = lock.readLock();
        alone = lock.writeLock();
    }

    @Override
    public String name() {
        return image.name();
    }

    @Override
    public boolean writable() {
        return image.writable();
    }

    @Override
    public Limits limits() {
        return image.limits();
    }

    @Override
    public long length() {
        return image.length();
    }

    @Override
    public void read(long offset, MemorySegment target) {
        image.read(offset, target);
    }

    @Override
    public boolean tryRead(long offset, MemorySegment target) {
        return image.tryRead(offset, target);
    }

    @Override
    public void write(long offset, MemorySegment source, Durability durability) {
        if (source.byteSize() == 0) {
            return;
        }
        long unit = compressing.unit();
        long start = offset / unit * unit;
        long end = Math.min(Math.ceilDiv(offset + source.byteSize(), unit) * unit, length());
        boolean whole = start == offset && end == offset + source.byteSize();
        Lock lock = whole ? sharing : alone;
        lock.lock();
        try {
            MemorySegment units = source;
            if (!whole) {
                units = BufferPool.allocate(end - start).asSlice(0, end - start);
                image.read(start, units);
                units.asSlice(offset - start, source.byteSize()).copyFrom(source);
            }
            compressing.writeCompressed(start, units);
        } finally {
            lock.unlock();
        }
        if (durability == Durability.STABLE) {
            image.flush();
        }
    }

    @Override
    public void zero(long offset, long length, ZeroMode mode, Durability durability) {
        sharing.lock();
        try {
            image.zero(offset, length, mode, durability);
        } finally {
            sharing.unlock();
        }
    }

    @Override
    public void discard(long offset, long length) {
        sharing.lock();
        try {
            image.discard(offset, length);
        } finally {
            sharing.unlock();
        }
    }

    @Override
    public void flush() {
        image.flush();
    }

    @Override
    public void extents(long offset, long length, ExtentVisitor visitor) {
        image.extents(offset, length, visitor);
    }

    @Override
    public void close() {
        image.close();
    }
}
