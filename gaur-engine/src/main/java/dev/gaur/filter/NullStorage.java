package dev.gaur.filter;

import dev.gaur.block.Durability;
import dev.gaur.block.Extent;
import dev.gaur.block.ExtentVisitor;
import dev.gaur.block.Limits;
import dev.gaur.block.StorageNode;
import dev.gaur.block.ZeroMode;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.locks.LockSupport;

/**
 * Storage that keeps nothing and reads as zeros: QEMU's {@code null-co}. For measuring all but the
 * disk. Safe for use by many threads.
 */
public final class NullStorage implements StorageNode {
    /** The size where none is given. */
    public static final long DEFAULT_SIZE = 1L << 30;

    private final String name;
    private final boolean writable;
    private final long latencyNanos;
    private volatile long length;

    /**
     * @param name for messages
     * @param latencyNanos how long each request takes
     */
    public NullStorage(String name, long length, long latencyNanos, boolean writable) {
        this.name = name;
        this.length = length;
        this.latencyNanos = latencyNanos;
        this.writable = writable;
    }

    private void delay() {
        long end = System.nanoTime() + latencyNanos;
        for (long left = latencyNanos; left > 0; left = end - System.nanoTime()) {
            LockSupport.parkNanos(left);
        }
    }

    @Override
    public String name() {
        return name;
    }

    @Override
    public boolean writable() {
        return writable;
    }

    @Override
    public Limits limits() {
        return Limits.NONE;
    }

    @Override
    public long length() {
        return length;
    }

    @Override
    public long allocatedBytes() {
        return 0;
    }

    @Override
    public void read(long offset, MemorySegment target) {
        delay();
        target.fill((byte) 0);
    }

    @Override
    public void write(long offset, MemorySegment source, Durability durability) {
        delay();
    }

    @Override
    public void zero(long offset, long count, ZeroMode mode, Durability durability) {
        delay();
    }

    @Override
    public void discard(long offset, long count) {
        delay();
    }

    @Override
    public void flush() {
        delay();
    }

    @Override
    public void extents(long offset, long count, ExtentVisitor visitor) {
        if (count > 0) {
            visitor.visit(new Extent.Data(offset, count, 0, offset, true));
        }
    }

    @Override
    public void resize(long newLength) {
        length = newLength;
    }

    @Override
    public void close() {
        // Nothing is held.
    }
}
