package dev.gaur.block;

import java.lang.foreign.MemorySegment;

/**
 * A node for reading, with endless zeros after its end: a backing file that is shorter than its
 * overlay. Owns the node it pads.
 */
public final class PaddedNode extends ReadOnlyNode {
    private final BlockNode node;

    /** Pads {@code node} and closes it when closed. */
    public PaddedNode(BlockNode node) {
        this.node = node;
    }

    @Override
    public String name() {
        return node.name();
    }

    @Override
    public Limits limits() {
        return node.limits();
    }

    @Override
    public long length() {
        return Long.MAX_VALUE;
    }

    @Override
    public void read(long offset, MemorySegment target) {
        long present = present(offset, target.byteSize());
        if (present == target.byteSize()) {
            node.read(offset, target);
            return;
        }
        if (present > 0) {
            node.read(offset, target.asSlice(0, present));
        }
        target.asSlice(present).fill((byte) 0);
    }

    @Override
    public boolean tryRead(long offset, MemorySegment target) {
        long present = present(offset, target.byteSize());
        if (present == target.byteSize()) { // Without a slice: chains have many layers.
            return node.tryRead(offset, target);
        }
        if (present > 0 && !node.tryRead(offset, target.asSlice(0, present))) {
            return false;
        }
        target.asSlice(present).fill((byte) 0);
        return true;
    }

    @Override
    public boolean prefetch(long offset, long length) {
        long present = present(offset, length);
        return present == 0 || node.prefetch(offset, present);
    }

    /** How many of {@code length} bytes from {@code offset} on the node really has. */
    private long present(long offset, long length) {
        return Math.clamp(node.length() - offset, 0, length);
    }

    @Override
    public void flush() {
        node.flush();
    }

    @Override
    public void extents(long offset, long length, ExtentVisitor visitor) {
        long present = present(offset, length);
        boolean[] goOn = {true};
        if (present > 0) {
            node.extents(offset, present, extent -> goOn[0] = visitor.visit(extent));
        }
        if (goOn[0] && present < length) {
            visitor.visit(new Extent.Unallocated(offset + present, length - present, 0));
        }
    }

    @Override
    public void close() {
        node.close();
    }
}
