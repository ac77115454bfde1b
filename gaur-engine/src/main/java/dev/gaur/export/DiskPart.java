package dev.gaur.export;

import dev.gaur.block.BlockIo;
import dev.gaur.block.Durability;
import dev.gaur.block.ExtentVisitor;
import dev.gaur.block.PendingRequest;
import dev.gaur.block.ZeroMode;
import java.lang.foreign.MemorySegment;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * A part of a disk, of fixed size, as a disk of its own. What lies outside the part is never
 * touched: a range that is not within it is an {@link IndexOutOfBoundsException}. The disk stays
 * its owner's.
 */
public final class DiskPart implements BlockIo {
    private final BlockIo disk;
    private final long start;
    private final long length;

    /**
     * Takes a part.
     *
     * @param start its first byte
     * @param length its size in bytes; the part does not grow when the disk does
     * @throws IndexOutOfBoundsException if it is not within the disk
     */
    public DiskPart(BlockIo disk, long start, long length) {
        Objects.checkFromIndexSize(start, length, disk.length());
        this.disk = disk;
        this.start = start;
        this.length = length;
    }

    @Override
    public long length() {
        return length;
    }

    /** Returns the place on the disk of a range of the part. */
    private long place(long offset, long count) {
        return start + Objects.checkFromIndexSize(offset, count, length);
    }

    @Override
    public void read(long offset, MemorySegment target) {
        disk.read(place(offset, target.byteSize()), target);
    }

    @Override
    public boolean tryRead(long offset, MemorySegment target) {
        return disk.tryRead(place(offset, target.byteSize()), target);
    }

    @Override
    public boolean prefetch(long offset, long count) {
        return disk.prefetch(place(offset, count), count);
    }

    @Override
    public @Nullable PendingRequest beginRead(long offset, MemorySegment target) {
        return disk.beginRead(place(offset, target.byteSize()), target);
    }

    @Override
    public @Nullable PendingRequest beginWrite(long offset, MemorySegment source) {
        return disk.beginWrite(place(offset, source.byteSize()), source);
    }

    @Override
    public void write(long offset, MemorySegment source, Durability durability) {
        disk.write(place(offset, source.byteSize()), source, durability);
    }

    @Override
    public void zero(long offset, long count, ZeroMode mode, Durability durability) {
        disk.zero(place(offset, count), count, mode, durability);
    }

    @Override
    public void discard(long offset, long count) {
        disk.discard(place(offset, count), count);
    }

    @Override
    public void flush() {
        disk.flush();
    }

    /** {@inheritDoc} Host offsets are what the disk says. */
    @Override
    public void extents(long offset, long count, ExtentVisitor visitor) {
        disk.extents(
                place(offset, count),
                count,
                extent -> visitor.visit(extent.seenAt(extent.offset() - start)));
    }
}
