package dev.gaur.testkit;

import dev.gaur.block.Durability;
import dev.gaur.block.ExtentVisitor;
import dev.gaur.block.Limits;
import dev.gaur.block.StorageNode;
import dev.gaur.block.ZeroMode;
import java.lang.foreign.MemorySegment;

/** Storage that tells of each request before it is made. Does not close what it watches. */
public final class WatchedStorage implements StorageNode {
    /** Hears of requests; may throw, and then the request is not made. */
    public interface Watcher {
        /** Bytes are written or zeroed, or the length changes. */
        default void changing(long offset, long length) {}

        /** What was changed becomes stable. */
        default void flushing() {}

        /** Bytes are no longer needed. */
        default void discarding(long offset, long length) {}

        /** Bytes are read. */
        default void reading(long offset, long length) {}
    }

    private final StorageNode real;
    private final Watcher watcher;

    /** Watches {@code real}. */
    public WatchedStorage(StorageNode real, Watcher watcher) {
        this.real = real;
        this.watcher = watcher;
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
        watcher.reading(offset, target.byteSize());
        real.read(offset, target);
    }

    @Override
    public void write(long offset, MemorySegment source, Durability durability) {
        watcher.changing(offset, source.byteSize());
        real.write(offset, source, durability);
    }

    @Override
    public void zero(long offset, long length, ZeroMode mode, Durability durability) {
        watcher.changing(offset, length);
        real.zero(offset, length, mode, durability);
    }

    @Override
    public void discard(long offset, long length) {
        watcher.discarding(offset, length);
        real.discard(offset, length);
    }

    @Override
    public void resize(long newLength) {
        watcher.changing(newLength, 0);
        real.resize(newLength);
    }

    @Override
    public void flush() {
        watcher.flushing();
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
