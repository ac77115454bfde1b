package dev.gaur.format.raw;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.gaur.block.BlockNode;
import dev.gaur.block.Extent;
import dev.gaur.storage.memory.MemoryStorage;
import dev.gaur.testkit.BlockIoContract;
import dev.gaur.testkit.TestBytes;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;

class RawImageTest extends BlockIoContract {
    @Override
    protected BlockNode nodeWith(byte[] content) {
        return new RawImage(new MemoryStorage("raw", content));
    }

    @Test
    void aFileThatEndsWithinASectorIsFilledUpWithZeros() {
        byte[] content = new byte[1000];
        Arrays.fill(content, (byte) 9);
        RawImage image = new RawImage(new MemoryStorage("raw", content));
        assertEquals(1024, image.length());
        assertEquals(1024, image.info().virtualSize());
        assertArrayEquals(Arrays.copyOf(content, 1024), TestBytes.read(image, 0, 1024));
        assertArrayEquals(new byte[10], TestBytes.read(image, 1010, 10));
    }

    @Test
    void theMissingPartOfASectorIsAnExtentOfZerosAsInQemu() {
        RawImage image = new RawImage(new MemoryStorage("raw", new byte[1000]));
        List<Extent> extents = new ArrayList<>();
        image.extents(0, 1024, extents::add);
        assertEquals(
                List.of(new Extent.Data(0, 1000, 0, 0, false), new Extent.Zero(1000, 24, 0, 1000)),
                extents);
        extents.clear();
        image.extents(1010, 14, extents::add);
        assertEquals(List.of(new Extent.Zero(1010, 14, 0, 1010)), extents);
    }
}
