package dev.gaur.cli.figures;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;

class PatternTest {
    private static final long MIB = 1 << 20;
    private static final int MANY = 1 << 20;

    @Test
    void sequentialOnesGoFromTheFirstPlaceToTheLast() {
        assertArrayEquals(
                LongStream.range(0, 256).map(i -> i * 4096).toArray(),
                Pattern.SEQUENTIAL.offsets(MIB, MANY));
    }

    @Test
    void randomOnesOfEveryBlockGoToEachOnce() {
        long[] offsets = Pattern.RANDOM_PAGES.offsets(MIB, MANY);
        long[] sorted = offsets.clone();
        Arrays.sort(sorted);

        assertArrayEquals(Pattern.SEQUENTIAL.offsets(MIB, MANY), sorted);
        assertFalse(Arrays.equals(offsets, sorted));
    }

    @Test
    void randomOnesGoToEachClusterOnceAndAnywhereInIt() {
        long[] offsets = Pattern.RANDOM.offsets(64 * MIB, MANY);
        long[] clusters = Arrays.stream(offsets).map(at -> at / Pattern.CLUSTER).sorted().toArray();
        long[] within = Arrays.stream(offsets).map(at -> at % Pattern.CLUSTER).toArray();

        assertArrayEquals(LongStream.range(0, 1024).toArray(), clusters);
        assertEquals(16, Arrays.stream(within).distinct().count());
        assertTrue(Arrays.stream(within).allMatch(at -> at % 4096 == 0));
    }

    @Test
    void thoseOfLargeDisksAreSpreadOverAllOfIt() {
        long[] offsets = Pattern.READ_SPREAD.offsets(32L << 30, 1000);
        Arrays.sort(offsets);

        assertEquals(1000, offsets.length);
        assertEquals(0, offsets[0]);
        assertTrue(offsets[999] > (31L << 30));
        assertTrue(Arrays.stream(offsets).allMatch(at -> at % 4096 == 0));
        assertEquals(1000, Arrays.stream(offsets).distinct().count());
    }

    @Test
    void noMorePlacesAreTakenThanAllowed() {
        assertEquals(10, Pattern.RANDOM.offsets(64 * MIB, 10).length);
        assertEquals(1, Pattern.LARGE.offsets(4096, MANY).length);
    }

    @Test
    void everyRunTakesTheSameOrder() {
        assertArrayEquals(
                Pattern.RANDOM.offsets(64 * MIB, MANY), Pattern.RANDOM.offsets(64 * MIB, MANY));
    }
}
