package dev.gaur.filter;

import dev.gaur.block.BlockException;
import dev.gaur.block.Durability;
import dev.gaur.block.ExtentVisitor;
import dev.gaur.block.PendingRequest;
import dev.gaur.block.StorageNode;
import dev.gaur.block.ZeroMode;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/**
 * A part of another storage: {@code offset} and {@code size} of QEMU's raw driver. What lies
 * outside the part is never touched.
 */
public final class SlicedStorage extends DelegatingStorage {
    /** The size of a part that reaches to the end, and grows with the storage. */
    public static final long TO_THE_END = -1;

    private static final int EINVAL = 22;

    private final long start;
    private final long size;

    /**
     * Takes a part, and owns the storage from then on.
     *
     * @param start the first byte of the part; not behind the end of the storage
     * @param size bytes of the part, or {@link #TO_THE_END}
     */
    public SlicedStorage(StorageNode below, long start, long size) {
        super(below);
        this.start = start;
        this.size = size;
    }

    @Override
    public long length() {
        return size == TO_THE_END ? Math.max(0, below.length() - start) : size;
    }

    private void checkEnd(long offset, long count) {
        if (size != TO_THE_END && offset + count > size) {
            throw new BlockException.Media(
                    name(), "write", offset, "is behind the end of the part", EINVAL, null);
        }
    }

    @Override
    public void read(long offset, MemorySegment target) {
        below.read(start + offset, target);
    }

    @Override
    public boolean tryRead(long offset, MemorySegment target) {
        return below.tryRead(start + offset, target);
    }

    @Override
    public boolean prefetch(long offset, long length) {
        return below.prefetch(start + offset, length);
    }

    @Override
    public @Nullable PendingRequest beginRead(long offset, MemorySegment target) {
        return below.beginRead(start + offset, target);
    }

    @Override
    public @Nullable PendingRequest beginWrite(long offset, MemorySegment source) {
        checkEnd(offset, source.byteSize());
        return below.beginWrite(start + offset, source);
    }

    @Override
    public void write(long offset, MemorySegment source, Durability durability) {
        checkEnd(offset, source.byteSize());
        below.write(start + offset, source, durability);
    }

    @Override
    public void zero(long offset, long count, ZeroMode mode, Durability durability) {
        checkEnd(offset, count);
        below.zero(start + offset, count, mode, durability);
    }

    @Override
    public void discard(long offset, long count) {
        checkEnd(offset, count);
        below.discard(start + offset, count);
    }

    /** {@inheritDoc} Host offsets stay those of the storage below. */
    @Override
    public void extents(long offset, long count, ExtentVisitor visitor) {
        below.extents(
                start + offset,
                count,
                extent -> visitor.visit(extent.seenAt(extent.offset() - start)));
    }

    /**
     * {@inheritDoc}
     *
     * @throws BlockException.Unsupported if the part has a size of its own
     */
    @Override
    public void resize(long newLength) {
        if (size != TO_THE_END) {
            throw new BlockException.Unsupported(name(), "", "Cannot resize fixed-size raw disks");
        }
        below.resize(start + newLength);
    }
}
