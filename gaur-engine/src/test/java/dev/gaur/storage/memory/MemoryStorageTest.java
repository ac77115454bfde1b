package dev.gaur.storage.memory;

import dev.gaur.block.StorageNode;
import dev.gaur.testkit.GrowingStorageContract;

class MemoryStorageTest extends GrowingStorageContract {
    @Override
    protected StorageNode storage(long length) {
        return new MemoryStorage("memory", length);
    }
}
