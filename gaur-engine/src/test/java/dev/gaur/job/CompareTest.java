package dev.gaur.job;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.gaur.block.Durability;
import dev.gaur.storage.memory.MemoryStorage;
import dev.gaur.testkit.TestBytes;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.RepetitionInfo;
import org.junit.jupiter.api.Test;

class CompareTest {
    private static final int MIB = 1 << 20;
    private static final Compare.Result SAME = new Compare.Result.Same();

    private static Compare.Result compare(byte[] first, byte[] second, boolean strict) {
        return Compare.run(
                new MemoryStorage("first", first),
                new MemoryStorage("second", second),
                strict,
                4,
                new JobControl());
    }

    @RepeatedTest(8)
    void findsTheFirstSectorThatDiffers(RepetitionInfo info) {
        Random random = new Random(info.getCurrentRepetition());
        byte[] one = TestBytes.patchy(random, 3 * MIB + 1024);
        byte[] other = one.clone();
        int lowest = one.length;
        for (int i = 0; i < 3; i++) {
            int at = random.nextInt(one.length);
            other[at] ^= 1;
            lowest = other[at] == one[at] ? lowest : Math.min(lowest, at);
        }
        assertEquals(
                new Compare.Result.ContentDiffers(lowest & -512L),
                compare(one, other, false),
                "seed " + info.getCurrentRepetition());
    }

    @Test
    void theShorterDiskGoesOnWithZeros() {
        byte[] one = TestBytes.patchy(new Random(1), MIB);
        byte[] longer = Arrays.copyOf(one, 2 * MIB);
        assertEquals(SAME, compare(one, longer, false));
        assertEquals(SAME, compare(longer, one, false));
        longer[MIB + 5000] = 1;
        assertEquals(
                new Compare.Result.ContentDiffers((MIB + 5000) & -512L),
                compare(one, longer, false));
    }

    @Test
    void strictWantsTheSameSizeAndAllocation() {
        byte[] one = new byte[MIB];
        Arrays.fill(one, 0, 4096, (byte) 1);
        assertEquals(SAME, compare(one, one, true));
        assertEquals(new Compare.Result.SizeDiffers(), compare(one, Arrays.copyOf(one, 512), true));
        MemoryStorage sparse = new MemoryStorage("sparse", MIB);
        sparse.write(0, MemorySegment.ofArray(Arrays.copyOf(one, 4096)), Durability.CACHED);
        assertEquals(
                new Compare.Result.StatusDiffers(4096),
                Compare.run(sparse, new MemoryStorage("full", one), true, 2, new JobControl()));
        assertEquals(
                SAME,
                Compare.run(sparse, new MemoryStorage("full", one), false, 2, new JobControl()));
    }

    @Test
    void emptyDisksAreTheSame() {
        assertEquals(SAME, compare(new byte[0], new byte[0], true));
    }
}
