package dev.gaur.format.qcow2;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.BitSet;
import java.util.Random;
import org.junit.jupiter.api.Test;

class FreeMapTest {
    private static final long SEED = Long.getLong("gaur.seed", 20261122L);
    private static final int SIZE = 3000;

    @Test
    void findsTheLowestRunThatIsLongEnough() {
        Random random = new Random(SEED);
        FreeMap map = new FreeMap();
        map.extend(SIZE);
        BitSet taken = new BitSet();
        for (int round = 0; round < 20_000; round++) {
            int first = random.nextInt(SIZE);
            int count = 1 + random.nextInt(Math.min(40, SIZE - first));
            if (random.nextBoolean()) {
                map.free(first, count);
                taken.clear(first, first + count);
            } else {
                int wanted = 1 + random.nextInt(20);
                long found = map.find(wanted, SIZE);
                String message = "seed " + SEED + " round " + round;
                assertEquals(lowest(taken, Integer.highestOneBit(wanted)), found, message);
                if (found >= 0) {
                    long length = map.runLength(found, wanted, SIZE);
                    assertTrue(length >= Integer.highestOneBit(wanted), message);
                    map.take(found, length);
                    taken.set((int) found, (int) (found + length));
                }
            }
            assertEquals(taken.length(), map.end());
        }
    }

    private static int lowest(BitSet taken, int needed) {
        int at = taken.nextClearBit(0);
        while (at + needed <= SIZE) {
            int next = taken.nextSetBit(at);
            if (next < 0 || next - at >= needed) {
                return at;
            }
            at = taken.nextClearBit(next);
        }
        return -1;
    }
}
