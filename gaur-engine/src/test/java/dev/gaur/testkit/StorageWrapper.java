package dev.gaur.testkit;

import dev.gaur.block.Durability;
import dev.gaur.block.ExtentVisitor;
import dev.gaur.block.Limits;
import dev.gaur.block.StorageNode;
import dev.gaur.block.ZeroMode;
import java.lang.foreign.MemorySegment;

/**
 * Storage that passes everything on, for tests to override what they want to see or break. Closing
 * it does nothing: a test opens what is left again, as another process would.
 */
public class StorageWrapper implements StorageNode {
    private final StorageNode real;

    /** Passes everything on to {@code real}, which stays the caller's. */
    public StorageWrapper(StorageNode real) {
        this.real = real;
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
    public boolean tryRead(long offset, MemorySegment target) {
        return real.tryRead(offset, target);
    }

    @Override
    public void write(long offset, MemorySegment source, Durability durability) {
        real.write(offset, source, durability);
    }

    @Override
    public void zero(long offset, long length, ZeroMode mode, Durability durability) {
        real.zero(offset, length, mode, durability);
    }

    @Override
    public void discard(long offset, long length) {
        real.discard(offset, length);
    }

    @Override
    public void resize(long newLength) {
        real.resize(newLength);
    }

    @Override
    public void flush() {
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
