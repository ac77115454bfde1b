package dev.gaur.filter;

import dev.gaur.block.BlockNode;
import dev.gaur.block.Durability;
import dev.gaur.block.Extent;
import dev.gaur.block.ExtentVisitor;
import dev.gaur.block.FilterNode;
import dev.gaur.block.Limits;
import dev.gaur.block.ZeroMode;
import dev.gaur.mem.Bytes;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.Lock;
import java.util.concurrent.locks.ReentrantReadWriteLock;

/**
 * Keeps what is read from the backing files of an image in the image, so that it has to be fetched
 * only once. Requests run in parallel; only a read that has something to keep runs alone, for what
 * it writes must not undo a write of somebody else. Reads as the image does in all cases.
 */
public final class CopyOnRead implements FilterNode {
    private final BlockNode image;
    private final Lock sharing;
    private final Lock alone;

    /** Wraps an image that is open for writing, and owns it from then on. */
    public CopyOnRead(BlockNode image) {
        this.image = image;
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

    private boolean isComplete(long offset, long length) {
        boolean[] complete = {true};
        if (length > 0) {
            image.extents(offset, length, extent -> complete[0] = isOwn(extent));
        }
        return complete[0];
    }

    private static boolean isOwn(Extent extent) {
        return extent.depth() == 0 && !(extent instanceof Extent.Unallocated);
    }

    @Override
    public void read(long offset, MemorySegment target) {
        sharing.lock();
        try {
            if (isComplete(offset, target.byteSize())) {
                image.read(offset, target);
                return;
            }
        } finally {
            sharing.unlock();
        }
        alone.lock();
        try {
            image.read(offset, target);
            List<Extent> extents = new ArrayList<>();
            image.extents(offset, target.byteSize(), extents::add);
            extents.forEach(extent -> keep(extent, target, offset));
        } finally {
            alone.unlock();
        }
    }

    private void keep(Extent extent, MemorySegment read, long offset) {
        if (isOwn(extent)) {
            return;
        }
        MemorySegment part = read.asSlice(extent.offset() - offset, extent.length());
        if (Bytes.isZero(part)) {
            image.zero(extent.offset(), extent.length(), ZeroMode.KEEP, Durability.CACHED);
        } else {
            image.write(extent.offset(), part, Durability.CACHED);
        }
    }

    @Override
    public void write(long offset, MemorySegment source, Durability durability) {
        sharing.lock();
        try {
            image.write(offset, source, durability);
        } finally {
            sharing.unlock();
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
