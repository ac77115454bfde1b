package dev.gaur.testkit;

import dev.gaur.block.BlockException;
import dev.gaur.block.Durability;
import dev.gaur.block.ExtentVisitor;
import dev.gaur.block.Limits;
import dev.gaur.block.StorageNode;
import dev.gaur.block.ZeroMode;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.atomic.AtomicLong;

/** Storage whose n-th change fails, and every one after it, as if the disk were full. */
public final class FailingStorage implements StorageNode {
    private static final int ENOSPC = 28;

    private final StorageNode real;
    private final AtomicLong changesLeft;

    /**
     * @param real what the requests go to; not closed by this
     * @param changes how many changes still succeed
     */
    public FailingStorage(StorageNode real, long changes) {
        this.real = real;
        this.changesLeft = new AtomicLong(changes);
    }

    /** Tells whether a change was refused. */
    public boolean hasFailed() {
        return changesLeft.get() < 0;
    }

    private void change() {
        if (changesLeft.decrementAndGet() < 0) {
            throw new BlockException.Media(
                    name(), "write", 0, "No space left on device", ENOSPC, null);
        }
    }

    @Override
    public String name() {
        return real.name();
    }

    @Override
    public boolean writable() {
        return real.writable();
    }

    @Override
    public Limits limits() {
        return real.limits();
    }

    @Override
    public long length() {
        return real.length();
    }

    @Override
    public long allocatedBytes() {
        return real.allocatedBytes();
    }

    @Override
    public void read(long offset, MemorySegment target) {
        real.read(offset, target);
    }

    @Override
    public void write(long offset, MemorySegment source, Durability durability) {
        change();
        real.write(offset, source, durability);
    }

    @Override
    public void zero(long offset, long length, ZeroMode mode, Durability durability) {
        change();
        real.zero(offset, length, mode, durability);
    }

    @Override
    public void discard(long offset, long length) {
        change();
        real.discard(offset, length);
    }

    @Override
    public void resize(long newLength) {
        change();
        real.resize(newLength);
    }

    @Override
    public void flush() {
        change();
        real.flush();
    }

    @Override
    public void extents(long offset, long length, ExtentVisitor visitor) {
        real.extents(offset, length, visitor);
    }

    @Override
    public void close() {
        // The test looks at what is left.
    }
}
