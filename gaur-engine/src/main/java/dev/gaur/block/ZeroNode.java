package dev.gaur.block;

import java.lang.foreign.MemorySegment;

/**
 * Endless zeros, read-only: what lies below an image without a backing file, so that no read path
 * has a case for that.
 */
public final class ZeroNode extends ReadOnlyNode {
    /** The only one; it has no state. */
    public static final ZeroNode INSTANCE = new ZeroNode();

    private ZeroNode() {}

    @Override
    public String name() {
        return "zeros";
    }

    @Override
    public Limits limits() {
        return Limits.NONE;
    }

    @Override
    public long length() {
        return Long.MAX_VALUE;
    }

    @Override
    public void read(long offset, MemorySegment target) {
        target.fill((byte) 0);
    }

    @Override
    public boolean tryRead(long offset, MemorySegment target) {
        target.fill((byte) 0);
        return true;
    }

    @Override
    public boolean prefetch(long offset, long length) {
        return true;
    }

    @Override
    public void extents(long offset, long length, ExtentVisitor visitor) {
        if (length > 0) {
            visitor.visit(new Extent.Unallocated(offset, length, 0));
        }
    }

    @Override
    public void close() {
        // Nothing is held.
    }
}
