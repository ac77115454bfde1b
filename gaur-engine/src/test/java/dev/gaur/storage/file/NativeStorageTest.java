package dev.gaur.storage.file;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gaur.block.Durability;
import dev.gaur.block.Extent;
import dev.gaur.block.StorageNode;
import dev.gaur.ffi.Posix;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

class NativeStorageTest extends FileContract {
    @Override
    FileDriver driver() {
        return FileDriver.fast();
    }

    @BeforeAll
    static void nativeAccessIsEnabled() {
        assertTrue(Posix.isAvailable());
    }

    @Test
    void holesAreZerosAndTheRestIsData() {
        try (StorageNode storage = storage(10 << 20)) {
            byte[] block = new byte[1 << 20];
            storage.write(3 << 20, MemorySegment.ofArray(block), Durability.STABLE);
            List<Extent> extents = new ArrayList<>();
            storage.extents(0, 10 << 20, extents::add);
            assertEquals(
                    List.of(
                            new Extent.Zero(0, 3 << 20, 0, 0),
                            new Extent.Data(3 << 20, 1 << 20, 0, 3 << 20, false),
                            new Extent.Zero(4 << 20, 6 << 20, 0, 4 << 20)),
                    extents);
        }
    }

    @Test
    void whatWasJustWrittenIsReadWithoutWaiting() {
        try (StorageNode storage = storage(0);
                Arena arena = Arena.ofConfined()) {
            storage.write(0, MemorySegment.ofArray(new byte[8192]), Durability.CACHED);
            assertTrue(storage.tryRead(4096, arena.allocate(4096)));
        }
    }
}
