package dev.gaur.testkit;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gaur.block.Durability;
import dev.gaur.block.StorageNode;
import dev.gaur.block.ZeroMode;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import org.junit.jupiter.api.Test;

/** What every {@link StorageNode} promises that can be written to and made longer. */
public abstract class GrowingStorageContract extends StorageContract {
    @Test
    void aWritePastTheEndMakesItLonger() throws Exception {
        try (StorageNode storage = storage(1000)) {
            storage.write(5000, MemorySegment.ofArray(new byte[] {7}), Durability.STABLE);
            byte[] expected = new byte[5001];
            expected[5000] = 7;
            assertEquals(5001, storage.length());
            assertArrayEquals(expected, TestBytes.read(storage, 0, 5001));
        }
    }

    @Test
    void zerosPastTheEndMakeItLonger() throws Exception {
        try (StorageNode storage = storage(1000)) {
            storage.zero(500, 9500, ZeroMode.UNMAP, Durability.CACHED);
            assertEquals(10_000, storage.length());
            assertArrayEquals(new byte[10_000], TestBytes.read(storage, 0, 10_000));
        }
    }

    @Test
    void whatWasCutOffComesBackAsZeros() throws Exception {
        try (StorageNode storage = storage(10_000)) {
            byte[] ones = new byte[10_000];
            Arrays.fill(ones, (byte) 1);
            storage.write(0, MemorySegment.ofArray(ones), Durability.CACHED);
            storage.resize(5_001);
            assertEquals(5_001, storage.length());
            storage.resize(20_000);
            assertEquals(20_000, storage.length());
            byte[] expected = Arrays.copyOf(Arrays.copyOf(ones, 5_001), 20_000);
            assertArrayEquals(expected, TestBytes.read(storage, 0, 20_000));
        }
    }

    @Test
    void sparseStorageTakesLittleSpace() throws Exception {
        try (StorageNode storage = storage(0)) {
            storage.write(0, MemorySegment.ofArray(new byte[] {1}), Durability.STABLE);
            storage.resize(100L << 20);
            storage.write(
                    (100L << 20) - 1, MemorySegment.ofArray(new byte[] {1}), Durability.STABLE);
            assertTrue(storage.allocatedBytes() < 1 << 20, storage.allocatedBytes() + " bytes");
        }
    }
}
