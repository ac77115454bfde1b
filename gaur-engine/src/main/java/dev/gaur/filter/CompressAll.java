package dev.gaur.filter;

import dev.gaur.block.BlockNode;
import dev.gaur.block.Durability;
import dev.gaur.format.Compressing;
import dev.gaur.mem.BufferPool;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.locks.Lock;

/**
 * Makes every write a compressed one. A write that does not fill its units is laid over what is
 * there; meanwhile nobody else writes.
 */
public final class CompressAll extends ChangingFilter {
    private final Compressing compressing;

    /**
     * Wraps an image, and owns it from then on.
     *
     * @param compressing how the image compresses
     */
    public CompressAll(BlockNode image, Compressing compressing) {
        super(image);
        this.compressing = compressing;
    }

    @Override
    public void read(long offset, MemorySegment target) {
        below.read(offset, target);
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
            if (whole) {
                compressing.writeCompressed(start, source);
            } else {
                writeAround(start, end, offset, source);
            }
        } finally {
            lock.unlock();
        }
        if (durability == Durability.STABLE) {
            below.flush();
        }
    }

    private void writeAround(long start, long end, long offset, MemorySegment source) {
        try (BufferPool.Lease lease = BufferPool.once(end - start)) {
            MemorySegment units = lease.segment(end - start);
            below.read(start, units);
            units.asSlice(offset - start, source.byteSize()).copyFrom(source);
            compressing.writeCompressed(start, units);
        }
    }
}
