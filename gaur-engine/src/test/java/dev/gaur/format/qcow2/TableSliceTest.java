package dev.gaur.format.qcow2;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** A slice that is changed again and again has what an array has, and leaves the old ones alone. */
class TableSliceTest {
    private static final long SEED = Long.getLong("gaur.seed", 20261126L);

    @ParameterizedTest
    @CsvSource({"9, false", "12, false", "16, false", "14, true", "16, true", "21, true"})
    void changesAreAsThoseOfAnArray(int clusterBits, boolean extended) {
        Random random = new Random(SEED + clusterBits);
        Geometry geometry = new Geometry(clusterBits, extended, 4);
        int perEntry = extended ? 2 : 1;
        int entries = geometry.sliceEntries();
        long[] model = new long[entries * perEntry];
        TableSlice slice = TableSlice.EMPTY;
        for (int i = 0; i < 300; i++) {
            if (random.nextInt(20) == 0) { // As if it had been loaded again.
                slice = TableSlice.of(model.clone(), geometry);
            }
            TableSlice before = slice;
            long[] modelBefore = model.clone();
            int first = random.nextInt(entries);
            int count = random.nextInt(entries - first) >>> random.nextInt(8);
            long[] others = random.longs((long) count * perEntry).toArray();
            System.arraycopy(others, 0, model, first * perEntry, others.length);

            slice = slice.with(first, others, geometry);
            Arrays.fill(others, -1);

            String message = "seed " + SEED + ", change " + i;
            check(model, slice, geometry, message);
            check(modelBefore, before, geometry, message);
            assertFalse(slice.isSequence(), message);
            assertEquals(0, slice.place(), message);
            assertEquals(first + 1, slice.followUntil(first, true, entries), message);
        }
    }

    private static void check(long[] model, TableSlice slice, Geometry geometry, String message) {
        assertArrayEquals(model, slice.toWords(geometry), message);
        for (int i = 0; i < geometry.sliceEntries(); i++) {
            int at = geometry.extendedL2() ? 2 * i : i;
            assertEquals(model[at], slice.entry(i), message);
            if (geometry.extendedL2()) {
                assertEquals(model[at + 1], slice.bitmap(i), message);
            }
        }
    }
}
