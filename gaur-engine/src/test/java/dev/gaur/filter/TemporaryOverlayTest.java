package dev.gaur.filter;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;

import dev.gaur.block.BlockNode;
import dev.gaur.block.Durability;
import dev.gaur.block.ZeroMode;
import dev.gaur.storage.memory.MemoryStorage;
import dev.gaur.testkit.BlockIoContract;
import dev.gaur.testkit.TestBytes;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** What is written over a disk reads back, and the disk stays as it was. */
class TemporaryOverlayTest extends BlockIoContract {
    private static final int SIZE = 1_000_448;
    private static final int ROUNDS = 300;

    @Override
    protected BlockNode nodeWith(byte[] content) {
        return over(new MemoryStorage("below", content));
    }

    private static TemporaryOverlay over(MemoryStorage below) {
        return new TemporaryOverlay(below, new MemoryStorage("changes", below.length()));
    }

    @Test
    void randomChangesReadBackAndLeaveTheDiskAlone() {
        long seed = Long.getLong("gaur.seed", 20261126L);
        Random random = new Random(seed);
        byte[] content = TestBytes.patchy(random, SIZE);
        byte[] model = content.clone();
        MemoryStorage below = new MemoryStorage("below", content.clone());
        try (TemporaryOverlay overlay = over(below)) {
            for (int round = 0; round < ROUNDS; round++) {
                int from = random.nextInt(SIZE);
                int count = Math.min(SIZE - from, random.nextInt(200_000));
                if (random.nextInt(3) == 0) {
                    overlay.zero(from, count, ZeroMode.UNMAP, Durability.CACHED);
                    Arrays.fill(model, from, from + count, (byte) 0);
                } else {
                    byte[] bytes = new byte[count];
                    random.nextBytes(bytes);
                    overlay.write(from, MemorySegment.ofArray(bytes), Durability.STABLE);
                    System.arraycopy(bytes, 0, model, from, count);
                }
            }
            assertArrayEquals(model, TestBytes.read(overlay, 0, SIZE), "seed " + seed);
            assertArrayEquals(content, TestBytes.read(below, 0, SIZE), "seed " + seed);
        }
    }
}
