package dev.gaur.graph;

import dev.gaur.block.StorageNode;
import dev.gaur.filter.LentStorage;
import dev.gaur.storage.memory.MemoryStorage;
import dev.gaur.testkit.GrowingStorageContract;
import org.junit.jupiter.api.Test;

/** Storage that stays somebody else's. */
class LentStorageContractTest extends GrowingStorageContract {
    @Override
    protected StorageNode storage(long length) {
        return new LentStorage(new MemoryStorage("lent", length));
    }

    @Test
    @Override
    protected void aClosedNodeRefusesToRead() {
        // It stays open for its owner.
    }
}
