package dev.gaur.filter;

import dev.gaur.block.BlockEvent;
import dev.gaur.block.Durability;
import dev.gaur.block.ExtentVisitor;
import dev.gaur.block.Limits;
import dev.gaur.block.StorageNode;
import dev.gaur.block.ZeroMode;
import java.lang.foreign.MemorySegment;

/** Passes everything on to another storage, which it owns; filters override what they change. */
abstract class DelegatingStorage implements StorageNode {
    final StorageNode below;

    DelegatingStorage(StorageNode below) {
        this.below = below;
    }

    @Override
    public String name() {
        return below.name();
    }

    @Override
    public boolean writable() {
        return below.writable();
    }

    @Override
    public Limits limits() {
        return below.limits();
    }

    @Override
    public long length() {
        return below.length();
    }

    @Override
    public long allocatedBytes() {
        return below.allocatedBytes();
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
    public void resize(long newLength) {
        below.resize(newLength);
    }

    @Override
    public void reserve(long offset, long count) {
        below.reserve(offset, count);
    }

    @Override
    public void excludeWriters() {
        below.excludeWriters();
    }

    @Override
    public void event(BlockEvent event) {
        below.event(event);
    }

    @Override
    public boolean isWatched() {
        return below.isWatched();
    }

    @Override
    public void close() {
        below.close();
    }
}
