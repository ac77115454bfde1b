package dev.gaur.storage.memory;

import dev.gaur.block.StorageNode;
import dev.gaur.testkit.StorageContract;

class MemoryStorageTest extends StorageContract {
    @Override
    protected StorageNode storage(long length) {
        return new MemoryStorage("memory", length);
    }
}
