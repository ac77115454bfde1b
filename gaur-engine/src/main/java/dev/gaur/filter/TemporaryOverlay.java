package dev.gaur.filter;

import dev.gaur.block.BlockException;
import dev.gaur.block.BlockNode;
import dev.gaur.block.Durability;
import dev.gaur.block.Extent;
import dev.gaur.block.ExtentVisitor;
import dev.gaur.block.FilterNode;
import dev.gaur.block.Limits;
import dev.gaur.block.StorageNode;
import dev.gaur.block.ZeroMode;
import dev.gaur.mem.BufferPool;
import java.lang.foreign.MemorySegment;
import java.util.BitSet;
import java.util.concurrent.locks.Lock;
import java.util.concurrent.locks.ReentrantReadWriteLock;

/**
 * Keeps all changes apart from the disk below, which is only read: what is written is gone when
 * this is closed. Reads run in parallel, writes alone.
 */
public final class TemporaryOverlay implements FilterNode {
    private static final int UNIT = 64 << 10;

    private final BlockNode below;
    private final StorageNode changes;
    private final BitSet changed = new BitSet();
    private final Lock sharing;
    private final Lock alone;

    /**
     * Lays an overlay over a disk; owns both from then on.
     *
     * @param changes takes what is written, at the same offsets; all zeros at first, and as long as
     *     the disk
     */
    public TemporaryOverlay(BlockNode below, StorageNode changes) {
        if (below.length() / UNIT >= Integer.MAX_VALUE) {
            throw new BlockException.Unsupported(
                    below.name(), "temporary changes", "the disk is too long for them");
        }
        this.below = below;
        this.changes = changes;
        ReentrantReadWriteLock lock = new ReentrantReadWriteLock();
        sharing = lock.readLock();
        alone = lock.writeLock();
    }

    @Override
    public String name() {
        return below.name();
    }

    @Override
    public boolean writable() {
        return true;
    }

    @Override
    public Limits limits() {
        return below.limits();
    }

    @Override
    public long length() {
        return below.length();
    }

    @Override
    public void read(long offset, MemorySegment target) {
        sharing.lock();
        try {
            for (long at = offset; at < offset + target.byteSize(); ) {
                long end = runEnd(at, offset + target.byteSize());
                MemorySegment part = target.asSlice(at - offset, end - at);
                (isChanged(at) ? changes : below).read(at, part);
                at = end;
            }
        } finally {
            sharing.unlock();
        }
    }

    private boolean isChanged(long offset) {
        return changed.get((int) (offset / UNIT));
    }

    /** Where the run of units ends that are all changed as that of {@code offset}, or all not. */
    private long runEnd(long offset, long limit) {
        int unit = (int) (offset / UNIT);
        int next = changed.get(unit) ? changed.nextClearBit(unit) : changed.nextSetBit(unit);
        return next < 0 ? limit : Math.min(limit, (long) next * UNIT);
    }

    @Override
    public void write(long offset, MemorySegment source, Durability durability) {
        alone.lock();
        try {
            prepare(offset, source.byteSize());
            changes.write(offset, source, durability);
        } finally {
            alone.unlock();
        }
    }

    @Override
    public void zero(long offset, long length, ZeroMode mode, Durability durability) {
        alone.lock();
        try {
            prepare(offset, length);
            changes.zero(offset, length, mode, durability);
        } finally {
            alone.unlock();
        }
    }

    /** Copies what a change leaves of its first and its last unit, and marks all units. */
    private void prepare(long offset, long length) {
        if (length == 0) {
            return;
        }
        long end = offset + length;
        long first = offset / UNIT * UNIT;
        long last = (end - 1) / UNIT * UNIT;
        if (offset > first || end < Math.min(first + UNIT, length())) {
            copyUnit(first);
        }
        if (last != first && end < Math.min(last + UNIT, length())) {
            copyUnit(last);
        }
        changed.set((int) (first / UNIT), (int) (last / UNIT) + 1);
    }

    private void copyUnit(long start) {
        if (!isChanged(start)) {
            long count = Math.min(UNIT, length() - start);
            try (BufferPool.Lease unit = BufferPool.once(count)) {
                below.read(start, unit.segment());
                changes.write(start, unit.segment(), Durability.CACHED);
            }
        }
    }

    @Override
    public void discard(long offset, long length) {
        // What nobody needs any more may stay until all is thrown away.
    }

    @Override
    public void flush() {
        // Nothing here is to survive.
    }

    @Override
    public void extents(long offset, long length, ExtentVisitor visitor) {
        long end = offset + length;
        boolean[] goOn = {true};
        for (long at = offset; at < end && goOn[0]; ) {
            sharing.lock();
            boolean own = isChanged(at);
            long next = runEnd(at, end);
            sharing.unlock();
            if (own) {
                goOn[0] = visitor.visit(new Extent.Data(at, next - at, 0, at, false));
            } else {
                below.extents(at, next - at, extent -> goOn[0] = visitor.visit(deeper(extent)));
            }
            at = next;
        }
    }

    private static Extent deeper(Extent extent) {
        return extent.at(extent.offset(), extent.length(), extent.depth() + 1);
    }

    @Override
    public void close() {
        try (below) {
            changes.close();
        }
    }
}
