package dev.gaur.filter;

import dev.gaur.block.BlockIo;
import dev.gaur.block.BlockNode;
import dev.gaur.block.Durability;
import dev.gaur.block.ExtentVisitor;
import dev.gaur.block.Limits;
import dev.gaur.block.ZeroMode;
import java.lang.foreign.MemorySegment;

/**
 * What all that passes requests on to one node, which it owns, has in common. A node of some kind
 * by its subclasses, which override what they change.
 *
 * @param <N> the kind of node below
 */
abstract class PassingNode<N extends BlockNode> implements BlockIo, AutoCloseable {
    /** Where requests go; closed with this. */
    protected final N below;

    PassingNode(N below) {
        this.below = below;
    }

    public String name() {
        return below.name();
    }

    public boolean writable() {
        return below.writable();
    }

    public Limits limits() {
        return below.limits();
    }

    @Override
    public long length() {
        return below.length();
    }

    @Override
    public void read(long offset, MemorySegment target) {
        below.read(offset, target);
    }

    @Override
    public boolean tryRead(long offset, MemorySegment target) {
        return below.tryRead(offset, target);
    }

    @Override
    public void write(long offset, MemorySegment source, Durability durability) {
        below.write(offset, source, durability);
    }

    @Override
    public void zero(long offset, long length, ZeroMode mode, Durability durability) {
        below.zero(offset, length, mode, durability);
    }

    @Override
    public void discard(long offset, long length) {
        below.discard(offset, length);
    }

    @Override
    public void flush() {
        below.flush();
    }

    @Override
    public void extents(long offset, long length, ExtentVisitor visitor) {
        below.extents(offset, length, visitor);
    }

    @Override
    public void close() {
        below.close();
    }
}
