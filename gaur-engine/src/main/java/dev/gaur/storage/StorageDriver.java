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
    default StorageNode create(String location, long length) {
        return create(location, length, StorageOptions.WRITE);
    }

    /** The same, opened as options for writing say. */
    StorageNode create(String location, long length, StorageOptions options);
}
