package dev.gaur.filter;

import dev.gaur.block.BlockEvent;
import dev.gaur.block.StorageNode;

/** Passes everything on to another storage, which it owns; filters override what they change. */
abstract class DelegatingStorage extends PassingNode<StorageNode> implements StorageNode {
    DelegatingStorage(StorageNode below) {
        super(below);
    }

    @Override
    public long allocatedBytes() {
        return below.allocatedBytes();
    }

    @Override
    public void resize(long newLength) {
        below.resize(newLength);
    }

    @Override
    public boolean isDirect() {
        return below.isDirect();
    }

    @Override
    public void startWriting(long offset, long count) {
        below.startWriting(offset, count);
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
}
