package dev.gaur.filter;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.gaur.block.BlockException;
import dev.gaur.block.Durability;
import dev.gaur.block.Extent;
import dev.gaur.block.StorageNode;
import dev.gaur.storage.memory.MemoryStorage;
import dev.gaur.testkit.GrowingStorageContract;
import dev.gaur.testkit.TestBytes;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;

/** A part that reaches to the end is storage as any other. */
class SlicedStorageTest extends GrowingStorageContract {
    private static final int BEFORE = 700;

    @Override
    protected StorageNode storage(long length) {
        MemoryStorage whole = new MemoryStorage("whole", BEFORE + length);
        return new SlicedStorage(whole, BEFORE, SlicedStorage.TO_THE_END);
    }

    @Test
    void touchesNothingOutsideThePart() {
        MemoryStorage whole = new MemoryStorage("whole", 3000);
        SlicedStorage part = new SlicedStorage(whole, 1000, 512);
        byte[] ones = new byte[512];
        Arrays.fill(ones, (byte) 1);

        part.write(0, MemorySegment.ofArray(ones), Durability.CACHED);

        assertEquals(512, part.length());
        assertArrayEquals(new byte[1000], TestBytes.read(whole, 0, 1000));
        assertArrayEquals(ones, TestBytes.read(whole, 1000, 512));
        assertArrayEquals(new byte[1488], TestBytes.read(whole, 1512, 1488));
        assertThrows(
                BlockException.Media.class,
                () -> part.write(1, MemorySegment.ofArray(ones), Durability.CACHED));
        assertThrows(BlockException.Unsupported.class, () -> part.resize(1024));
    }

    @Test
    void extentsNameTheirPlaceInTheFile() {
        byte[] ones = new byte[3000];
        Arrays.fill(ones, (byte) 1);
        SlicedStorage part = new SlicedStorage(new MemoryStorage("whole", ones), 1000, 512);
        List<Extent> found = new ArrayList<>();

        part.extents(100, 12, found::add);

        assertEquals(100, found.getFirst().offset());
        assertEquals(1100, ((Extent.Data) found.getFirst()).hostOffset());
    }
}
