package dev.gaur.filter;

import dev.gaur.block.StorageNode;

/** Storage for somebody who closes what he was given, although it stays somebody else's. */
public class LentStorage extends DelegatingStorage {
    /** Lends {@code storage}; closing this leaves it open. */
    public LentStorage(StorageNode storage) {
        super(storage);
    }

    @Override
    public void close() {
        // Its owner does that.
    }
}
