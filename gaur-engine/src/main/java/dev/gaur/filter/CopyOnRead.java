package dev.gaur.filter;

import dev.gaur.block.BlockNode;
import dev.gaur.block.Durability;
import dev.gaur.block.Extent;
import dev.gaur.block.ZeroMode;
import dev.gaur.mem.BufferPool;
import dev.gaur.mem.Bytes;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;

/**
 * Keeps what is read from the backing files of an image in the image, so that it has to be fetched
 * only once. Requests run in parallel; only a read that has something to keep runs alone, for what
 * it writes must not undo a write of somebody else. Reads as the image does in all cases.
 */
public final class CopyOnRead extends ChangingFilter {
    private final long unit;

    /**
     * Wraps an image that is open for writing, and owns it from then on.
     *
     * @param unit bytes of what the image holds or does not hold as a whole
     */
    public CopyOnRead(BlockNode image, long unit) {
        super(image);
        this.unit = unit;
    }

    private boolean isComplete(long offset, long length) {
        boolean[] complete = {true};
        if (length > 0) {
            below.extents(offset, length, extent -> complete[0] = isOwn(extent));
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
                below.read(offset, target);
                return;
            }
        } finally {
            sharing.unlock();
        }
        alone.lock();
        try {
            readAndKeep(offset, target);
        } finally {
            alone.unlock();
        }
    }

    /** Reads whole units, of which the request may want a part only. */
    private void readAndKeep(long offset, MemorySegment target) {
        long start = offset / unit * unit;
        long end = Math.min(Math.ceilDiv(offset + target.byteSize(), unit) * unit, length());
        if (end - start == target.byteSize()) {
            readAndKeepUnits(start, target);
            return;
        }
        try (BufferPool.Lease units = BufferPool.once(end - start)) {
            readAndKeepUnits(start, units.segment(end - start));
            MemorySegment.copy(units.segment(), offset - start, target, 0, target.byteSize());
        }
    }

    private void readAndKeepUnits(long start, MemorySegment units) {
        below.read(start, units);
        List<Extent> extents = new ArrayList<>();
        below.extents(start, units.byteSize(), extents::add);
        extents.forEach(extent -> keep(extent, units, start));
    }

    /** {@inheritDoc} There may be something to keep. */
    @Override
    public boolean tryRead(long offset, MemorySegment target) {
        return false;
    }

    private void keep(Extent extent, MemorySegment read, long offset) {
        if (isOwn(extent)) {
            return;
        }
        MemorySegment part = read.asSlice(extent.offset() - offset, extent.length());
        if (Bytes.isZero(part)) {
            below.zero(extent.offset(), extent.length(), ZeroMode.KEEP, Durability.CACHED);
        } else {
            below.write(extent.offset(), part, Durability.CACHED);
        }
    }

    @Override
    public void write(long offset, MemorySegment source, Durability durability) {
        sharing.lock();
        try {
            below.write(offset, source, durability);
        } finally {
            sharing.unlock();
        }
    }
}
