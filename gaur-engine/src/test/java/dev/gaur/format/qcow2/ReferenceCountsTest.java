package dev.gaur.format.qcow2;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ReferenceCountsTest {
    private static final long SEED = Long.getLong("gaur.seed", 20261122L);
    private static final int CLUSTERS = 5000;

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 2, 3, 4, 5, 6})
    void countsAsAnArrayDoes(int order) {
        Random random = new Random(SEED + order);
        long maximum = order > 4 ? Long.MAX_VALUE : (1L << (1 << order)) - 1;
        long[] model = new long[CLUSTERS];
        ReferenceCounts counts = new ReferenceCounts(CLUSTERS, order);
        for (int step = 0; step < 2000; step++) {
            int from = random.nextInt(CLUSTERS);
            int length = random.nextInt(Math.min(CLUSTERS - from, random.nextInt(1, 3000)) + 1);
            long done = counts.increment(from, length);
            for (int i = from; i < from + done; i++) {
                model[i]++;
            }
            if (done < length) {
                assertEquals(maximum, model[(int) (from + done)], "seed " + SEED);
            }
        }
        for (int i = 0; i < CLUSTERS; i++) {
            assertEquals(model[i], counts.get(i), "cluster " + i + ", seed " + SEED);
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 2, 3, 4})
    void stopsWhereTheImageCanStoreNoMore(int order) {
        long maximum = (1L << (1 << order)) - 1;
        ReferenceCounts counts = new ReferenceCounts(100, order);
        for (long i = 0; i < maximum; i++) {
            assertEquals(1, counts.increment(70, 1));
        }
        assertEquals(20, counts.increment(50, 30));
        assertEquals(maximum, counts.get(70));
        assertEquals(1, counts.get(69));
        assertEquals(0, counts.get(71));
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 100_000})
    void growsWithItsClusters(int growth) {
        ReferenceCounts counts = new ReferenceCounts(10, 4);
        counts.growTo(10 + growth);
        assertEquals(10 + growth, counts.clusters());
        assertEquals(growth, counts.increment(10, growth));
        assertEquals(1, counts.get(10 + growth - 1));
        assertTrue(counts.isBinary(0));
    }
}
