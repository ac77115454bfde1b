package dev.gaur.format.qcow2;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.lang.foreign.MemorySegment;
import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Counts changed a word at a time are the same as counts changed one by one. */
class CountBlockTest {
    private static final long SEED = Long.getLong("gaur.seed", 20261126L);
    private static final int BYTES = 512;

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 2, 3, 4, 5, 6})
    void rangesAreAsSingleCounts(int order) {
        Random random = new Random(SEED + order);
        int counts = (BYTES * 8) >> order;
        long max = -1L >>> (64 - (1 << order));
        CountBlock block = new CountBlock(0, MemorySegment.ofArray(new byte[BYTES]), order);
        long[] model = new long[counts];
        for (int i = 0; i < 5000; i++) {
            String message = "seed " + SEED + " step " + i;
            int from = random.nextInt(counts);
            int length = random.nextInt(counts - from + 1) >>> random.nextInt(6);
            if (random.nextInt(40) == 0) { // One close to its limit.
                model[from] = max;
                block.set(from, max);
            }
            int delta = random.nextInt(5) < 2 ? 1 : -1;
            assertEquals(add(model, from, length, delta, max), block.add(from, length, delta));
            int end = from + length;
            assertEquals(next(model, from, end, 0, true), block.nextZero(from, end), message);
            assertEquals(next(model, from, end, 1, true), block.nextOne(from, end), message);
            for (int small = 0; small < 2; small++) {
                int expected = next(model, from, end, small, false);
                assertEquals(expected, block.nextOther(from, end, small), message);
            }
        }
        for (int i = 0; i < counts; i++) {
            assertEquals(model[i], block.get(i), "seed " + SEED + " count " + i);
        }
    }

    private static int add(long[] model, int from, int length, int delta, long max) {
        for (int i = 0; i < length; i++) {
            if (model[from + i] == (delta > 0 ? max : 0)) {
                return i;
            }
            model[from + i] += delta;
        }
        return length;
    }

    private static int next(long[] model, int from, int end, long count, boolean equal) {
        int at = from;
        while (at < end && (model[at] == count) != equal) {
            at++;
        }
        return at;
    }
}
