package dev.gaur.graph;

import dev.gaur.block.BlockNode;
import dev.gaur.block.ExtentVisitor;
import dev.gaur.block.Limits;
import dev.gaur.block.PendingRequest;
import dev.gaur.block.ReadOnlyNode;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/**
 * Stands for a backing file until that is open. An image gets one while it is being opened, and the
 * file behind it is opened afterwards: a chain is opened in a loop, however deep it is. Connected
 * before any other thread sees it. Read-only.
 */
final class BackingLink extends ReadOnlyNode {
    private final String name;
    private @Nullable BlockNode node;

    BackingLink(String name) {
        this.name = name;
    }

    /** Puts a node behind this one, which owns it from then on. */
    void connect(BlockNode opened) {
        node = opened;
    }

    private BlockNode node() {
        BlockNode opened = node;
        if (opened == null) {
            throw new AssertionError(name + " is used before it is open");
        }
        return opened;
    }

    @Override
    public String name() {
        return name;
    }

    @Override
    public Limits limits() {
        return node().limits();
    }

    @Override
    public long length() {
        return node().length();
    }

    @Override
    public void read(long offset, MemorySegment target) {
        node().read(offset, target);
    }

    @Override
    public boolean tryRead(long offset, MemorySegment target) {
        return node().tryRead(offset, target);
    }

    @Override
    public boolean prefetch(long offset, long length) {
        return node().prefetch(offset, length);
    }

    @Override
    public @Nullable PendingRequest beginRead(long offset, MemorySegment target) {
        return node().beginRead(offset, target);
    }

    @Override
    public void extents(long offset, long length, ExtentVisitor visitor) {
        node().extents(offset, length, visitor);
    }

    @Override
    public void close() {
        if (node != null) {
            node.close();
        }
    }
}
