package dev.gaur.graph;

import dev.gaur.block.StorageNode;
import dev.gaur.filter.CarelessStorage;
import dev.gaur.storage.memory.MemoryStorage;
import dev.gaur.testkit.GrowingStorageContract;

/** Storage that neither flushes nor locks. */
class CarelessStorageContractTest extends GrowingStorageContract {
    @Override
    protected StorageNode storage(long length) {
        return new CarelessStorage(new MemoryStorage("careless", length), false, false);
    }
}
