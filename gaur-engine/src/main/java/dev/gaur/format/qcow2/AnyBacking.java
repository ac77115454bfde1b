package dev.gaur.format.qcow2;

import dev.gaur.block.BlockException;
import dev.gaur.block.ExtentVisitor;
import dev.gaur.block.Limits;
import dev.gaur.block.ReadOnlyNode;
import java.lang.foreign.MemorySegment;

/**
 * A backing file of which nothing is known: endless, with any content. Only asked how long it is;
 * never read.
 */
final class AnyBacking extends ReadOnlyNode {
    static final AnyBacking INSTANCE = new AnyBacking();

    private AnyBacking() {}

    @Override
    public String name() {
        return "any backing file";
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
        throw unknown();
    }

    private BlockException.Unsupported unknown() {
        return new BlockException.Unsupported(name(), "", "has no content");
    }

    @Override
    public void extents(long offset, long length, ExtentVisitor visitor) {
        throw unknown();
    }

    @Override
    public void close() {
        // Nothing is held.
    }
}
