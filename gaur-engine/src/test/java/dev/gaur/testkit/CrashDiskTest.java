package dev.gaur.testkit;

import dev.gaur.block.StorageNode;
import dev.gaur.storage.memory.MemoryStorage;
import dev.gaur.testkit.CrashMachine.Discards;
import org.junit.jupiter.api.Test;

/** Until the crash a disk is as good as any. */
class CrashDiskTest extends GrowingStorageContract {
    private final CrashMachine machine = new CrashMachine(Discards.ZERO);

    @Override
    protected StorageNode storage(long length) {
        return machine.disk(new MemoryStorage("disk", length));
    }

    @Override
    @Test
    protected void aClosedNodeRefusesToRead() {
        // A disk stays in its machine.
    }
}
