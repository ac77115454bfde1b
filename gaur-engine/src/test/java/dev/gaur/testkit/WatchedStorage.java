package dev.gaur.testkit;

import dev.gaur.block.Durability;
import dev.gaur.block.StorageNode;
import dev.gaur.block.ZeroMode;
import java.lang.foreign.MemorySegment;

/** Storage that tells of each request before it is made. Does not close what it watches. */
public final class WatchedStorage extends StorageWrapper {
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

    private final Watcher watcher;

    /** Watches {@code real}. */
    public WatchedStorage(StorageNode real, Watcher watcher) {
        super(real);
        this.watcher = watcher;
    }

    @Override
    public void read(long offset, MemorySegment target) {
        watcher.reading(offset, target.byteSize());
        super.read(offset, target);
    }

    /** {@inheritDoc} Waits, so that every read is told of. */
    @Override
    public boolean tryRead(long offset, MemorySegment target) {
        return false;
    }

    @Override
    public void write(long offset, MemorySegment source, Durability durability) {
        watcher.changing(offset, source.byteSize());
        super.write(offset, source, durability);
    }

    @Override
    public void zero(long offset, long length, ZeroMode mode, Durability durability) {
        watcher.changing(offset, length);
        super.zero(offset, length, mode, durability);
    }

    @Override
    public void discard(long offset, long length) {
        watcher.discarding(offset, length);
        super.discard(offset, length);
    }

    @Override
    public void resize(long newLength) {
        watcher.changing(newLength, 0);
        super.resize(newLength);
    }

    @Override
    public void flush() {
        watcher.flushing();
        super.flush();
    }
}
