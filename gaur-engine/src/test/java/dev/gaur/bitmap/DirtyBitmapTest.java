package dev.gaur.bitmap;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.BitSet;
import java.util.Random;
import org.junit.jupiter.api.Test;

class DirtyBitmapTest {
    private static final long SEED = Long.getLong("gaur.seed", 20261122L);

    @Test
    void behavesAsASetOfBits() {
        Random random = new Random(SEED);
        for (int round = 0; round < 50; round++) {
            int length = 1 + random.nextInt(1 << 28);
            int granularity = 512 << random.nextInt(4);
            DirtyBitmap bitmap = new DirtyBitmap(length, granularity);
            BitSet model = new BitSet();
            for (int i = 0; i < 20; i++) {
                int offset = random.nextInt(length);
                int count = (1 + random.nextInt(length - offset)) >>> random.nextInt(20);
                bitmap.set(offset, count);
                if (count > 0) {
                    model.set(offset / granularity, (offset + count - 1) / granularity + 1);
                }
            }
            check(model, bitmap, random, "seed " + SEED + " round " + round);
        }
    }

    private static void check(BitSet model, DirtyBitmap bitmap, Random random, String message) {
        assertEquals(model.cardinality(), bitmap.count(), message);
        assertEquals(Math.ceilDiv(bitmap.length(), bitmap.granularity()), bitmap.bits(), message);
        for (int i = 0; i < 1000; i++) {
            int bit = random.nextInt((int) bitmap.bits());
            assertEquals(model.get(bit), bitmap.isSet(bit * bitmap.granularity()), message);
            int set = model.nextSetBit(bit);
            assertEquals(set < 0 ? bitmap.bits() : set, bitmap.nextBit(true, bit), message);
            long clear = Math.min(bitmap.bits(), model.nextClearBit(bit));
            assertEquals(clear, bitmap.nextBit(false, bit), message);
        }
    }

    @Test
    void mergingMarksAllPiecesThatTheOtherTouches() {
        DirtyBitmap fine = new DirtyBitmap(1_000_000, 512);
        fine.set(70_000, 1);
        fine.set(999_999, 1);
        DirtyBitmap coarse = new DirtyBitmap(1_000_000, 65536);
        coarse.merge(fine);
        assertEquals(2, coarse.count());
        assertTrue(coarse.isSet(65_536) && coarse.isSet(999_999));
        DirtyBitmap back = new DirtyBitmap(1_000_000, 512);
        back.merge(coarse);
        assertTrue(back.isSet(70_000) && back.isSet(65_536) && back.isSet(131_071));
        assertEquals(128 + Math.ceilDiv(1_000_000 - 983_040, 512), back.count());
    }

    @Test
    void resizingKeepsWhatIsLeft() {
        DirtyBitmap bitmap = new DirtyBitmap(1 << 20, 4096);
        bitmap.set(0, 5000);
        bitmap.set(1_000_000, 1);
        assertEquals(2, bitmap.resized(500_000).count());
        assertEquals(3, bitmap.resized(1L << 40).count());
        bitmap.clear();
        assertEquals(0, bitmap.count());
    }
}
