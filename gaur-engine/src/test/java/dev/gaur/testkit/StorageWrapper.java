package dev.gaur.testkit;

import dev.gaur.block.StorageNode;
import dev.gaur.filter.LentStorage;

/**
 * Storage that passes everything on, for tests to override what they want to see or break. Closing
 * it does nothing: a test opens what is left again, as another process would.
 */
public class StorageWrapper extends LentStorage {
    /** Passes everything on to {@code real}, which stays the caller's. */
    public StorageWrapper(StorageNode real) {
        super(real);
    }
}
