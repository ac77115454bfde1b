package dev.gaur.storage;

import dev.gaur.block.StorageNode;

/** Opens and creates storage of one kind, such as files. Stateless, safe for many threads. */
public interface StorageDriver {
    /**
     * Opens existing storage. Changes no byte of it.
     *
     * @param location where, in the driver's own form: for files a path
     * @throws dev.gaur.block.BlockException.Media if it is not there or cannot be opened
     */
    StorageNode open(String location, StorageOptions options);

    /**
     * Creates storage of {@code length} zero bytes, opened for writing; what was there before is
     * gone.
     */
    StorageNode create(String location, long length);
}
