package dev.gaur.block;

import java.lang.foreign.MemorySegment;

/** A node of which nothing can be changed: what all of them have in common. */
public abstract class ReadOnlyNode implements FilterNode {
    /** For nodes that only read. */
    protected ReadOnlyNode() {}

    @Override
    public final boolean writable() {
        return false;
    }

    @Override
    public final void write(long offset, MemorySegment source, Durability durability) {
        throw readOnly();
    }

    @Override
    public final void zero(long offset, long length, ZeroMode mode, Durability durability) {
        throw readOnly();
    }

    @Override
    public final void discard(long offset, long length) {
        throw readOnly();
    }

    private BlockException.Denied readOnly() {
        return new BlockException.Denied(name(), "", "is read-only");
    }

    @Override
    public void flush() {
        // Nothing was written.
    }
}
