package dev.gaur.graph;

import dev.gaur.block.BlockException;
import dev.gaur.block.Durability;
import dev.gaur.block.Extent;
import dev.gaur.block.ExtentVisitor;
import dev.gaur.block.Limits;
import dev.gaur.block.StorageNode;
import dev.gaur.block.ZeroMode;
import dev.gaur.storage.Reference;
import java.lang.foreign.MemorySegment;

/**
 * Stands for a file that an image names and that was left alone on purpose. Every attempt to use
 * its content is refused; all that is known of it is that the image itself holds nothing there.
 */
record UnopenedNode(Reference reference) implements StorageNode {
    private BlockException.Denied refusal() {
        return new BlockException.Denied(
                reference.fromImage(),
                reference.kind().text(),
                "'" + reference.name() + "' was not opened with the image");
    }

    @Override
    public String name() {
        return reference.name();
    }

    @Override
    public boolean writable() {
        return false;
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
    public long allocatedBytes() {
        return 0;
    }

    @Override
    public void read(long offset, MemorySegment target) {
        throw refusal();
    }

    @Override
    public void write(long offset, MemorySegment source, Durability durability) {
        throw refusal();
    }

    @Override
    public void zero(long offset, long length, ZeroMode mode, Durability durability) {
        throw refusal();
    }

    @Override
    public void discard(long offset, long length) {
        throw refusal();
    }

    @Override
    public void resize(long newLength) {
        throw refusal();
    }

    @Override
    public void flush() {
        // Nothing was written.
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
