package dev.gaur.format.qcow2;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.gaur.bitmap.DirtyBitmap;
import dev.gaur.block.BlockException;
import dev.gaur.block.Durability;
import dev.gaur.format.Bitmaps;
import dev.gaur.format.Image;
import dev.gaur.format.Preallocation;
import dev.gaur.storage.memory.MemoryStorage;
import java.lang.foreign.MemorySegment;
import org.junit.jupiter.api.Test;

/** What one sees who looks at bitmaps while the disk is written to. */
class BitmapContentTest {
    private static final int SIZE = Qcow2BitmapsTest.SIZE;

    private static void write(Image image, long offset, int length) {
        image.write(offset, MemorySegment.ofArray(new byte[length]), Durability.CACHED);
    }

    /** A file with a bitmap that has one bit set. */
    private static MemoryStorage written() {
        MemoryStorage file = Qcow2BitmapsTest.withBitmap("b");
        BitmapDisk.change(file, image -> write(image, 0, 1));
        return file;
    }

    private static long count(MemoryStorage file) {
        try (Image image = BitmapDisk.open(file, false)) {
            return BitmapDisk.bitmaps(image).copyOf("b").count();
        }
    }

    /** Whoever looks sees what was written before, whether the file has it or only memory. */
    @Test
    void whoLooksAtABitmapSeesItGrow() {
        MemoryStorage file = written();
        BitmapDisk.change(file, image -> BitmapDisk.bitmaps(image).add("off", 4096, false));
        BitmapDisk.change(
                file,
                image -> {
                    Bitmaps bitmaps = BitmapDisk.bitmaps(image);
                    assertEquals(1, bitmaps.contentOf("b").count());
                    assertSame(bitmaps.contentOf("b"), bitmaps.contentOf("b"));
                    write(image, 4096, 1);
                    DirtyBitmap seen = bitmaps.contentOf("b");
                    assertEquals(2, seen.count());
                    write(image, 8192, 1);
                    assertEquals(3, seen.count());
                    assertSame(seen, bitmaps.contentOf("b"));
                    assertEquals(0, bitmaps.contentOf("off").count());
                    bitmaps.clear("b");
                    write(image, 0, 1);
                    assertEquals(1, bitmaps.contentOf("b").count());
                    image.resizing().orElseThrow().resize(2L * SIZE, Preallocation.OFF);
                    write(image, 2 * SIZE - 1, 1);
                    assertEquals(2, bitmaps.contentOf("b").count());
                    bitmaps.remove("b");
                    assertThrows(BlockException.class, () -> bitmaps.contentOf("b"));
                });
        BitmapDisk.assertClean(file, "");
    }

    @Test
    void lookingLosesNothing() {
        MemoryStorage file = written();
        BitmapDisk.change(
                file,
                image -> {
                    write(image, 4096, 1);
                    assertEquals(2, BitmapDisk.bitmaps(image).contentOf("b").count());
                });
        assertEquals(2, count(file));
        BitmapDisk.assertClean(file, "");
    }
}
