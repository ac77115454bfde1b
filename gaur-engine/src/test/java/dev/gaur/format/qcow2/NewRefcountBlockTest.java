package dev.gaur.format.qcow2;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Ones stored for many clusters at once are the same as those stored one by one. */
class NewRefcountBlockTest {
    private static final long SEED = Long.getLong("gaur.seed", 20261126L);
    private static final long FIRST = 1L << 40;

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 2, 3, 4, 5, 6})
    void rangesOfOnesAreAsSingleOnes(int order) {
        Random random = new Random(SEED + order);
        Geometry geometry = new Geometry(9, false, order);
        for (int i = 0; i < 500; i++) {
            NewRefcountBlock many = new NewRefcountBlock(geometry, FIRST, 0);
            NewRefcountBlock single = new NewRefcountBlock(geometry, FIRST, 0);
            int from = random.nextInt(geometry.refcountsPerBlock());
            int count = random.nextInt(geometry.refcountsPerBlock() - from + 1);
            count >>>= random.nextInt(8);

            many.setOnes(FIRST + from, count);
            for (int cluster = from; cluster < from + count; cluster++) {
                single.set(FIRST + cluster, 1);
            }

            String message = "seed " + SEED + ": " + count + " from " + from;
            assertEquals(-1, single.bytes().mismatch(many.bytes()), message);
        }
    }
}
