package dev.gaur.codec;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.PriorityQueue;
import java.util.Random;
import org.junit.jupiter.api.Test;

final class HuffmanLengthsTest {

    private final long seed = Long.getLong("gaur.seed", 20261122L);

    @Test
    void codesAreCompleteAndWithinTheLimit() {
        var random = new Random(seed);
        for (int round = 0; round < 2000; round++) {
            int longest = 7 + random.nextInt(9);
            int[] counts = randomCounts(random, 2 + random.nextInt(100));
            byte[] lengths = new byte[counts.length];
            HuffmanLengths.compute(counts, longest, lengths);
            long sum = 0;
            for (int symbol = 0; symbol < counts.length; symbol++) {
                assertEquals(counts[symbol] > 0, lengths[symbol] > 0, "seed " + seed);
                assertTrue(lengths[symbol] <= longest, "seed " + seed);
                sum += lengths[symbol] > 0 ? 1L << (longest - lengths[symbol]) : 0;
            }
            assertEquals(1L << longest, sum, "seed " + seed);
        }
    }

    @Test
    void withoutAPinchingLimitTheCodeIsAsShortAsHuffmans() {
        var random = new Random(seed);
        for (int round = 0; round < 2000; round++) {
            int[] counts = randomCounts(random, 2 + random.nextInt(14));
            byte[] lengths = new byte[counts.length];
            HuffmanLengths.compute(counts, 15, lengths);
            long cost = 0;
            for (int symbol = 0; symbol < counts.length; symbol++) {
                cost += (long) counts[symbol] * lengths[symbol];
            }
            assertEquals(huffmanCost(counts), cost, "seed " + seed);
        }
    }

    @Test
    void aPinchingLimitIsKeptAtTheLeastCost() {
        int[] counts = {1, 1, 2, 3, 5, 8, 13, 21}; // Huffman's own code would take 7 bits
        byte[] lengths = new byte[counts.length];
        HuffmanLengths.compute(counts, 3, lengths);
        for (byte length : lengths) {
            assertEquals(3, length);
        }
        HuffmanLengths.compute(counts, 4, lengths);
        long cost = 0;
        for (int symbol = 0; symbol < counts.length; symbol++) {
            cost += (long) counts[symbol] * lengths[symbol];
        }
        assertEquals(leastCost(counts, 4), cost);
    }

    private static int[] randomCounts(Random random, int symbols) {
        int[] counts = new int[symbols];
        for (int i = 0; i < symbols; i++) {
            counts[i] = random.nextInt(4) == 0 ? 0 : 1 + random.nextInt(1 << random.nextInt(20));
        }
        counts[0] = 1;
        counts[symbols - 1] = 1 + random.nextInt(1000);
        return counts;
    }

    private static long huffmanCost(int[] counts) {
        var queue = new PriorityQueue<Long>();
        for (int count : counts) {
            if (count > 0) {
                queue.add((long) count);
            }
        }
        long cost = 0;
        while (queue.size() > 1) {
            long both = queue.remove() + queue.remove();
            cost += both;
            queue.add(both);
        }
        return cost;
    }

    /** Tries all lengths. */
    private static long leastCost(int[] counts, int longest) {
        long least = Long.MAX_VALUE;
        long all = (long) Math.pow(longest, counts.length);
        for (long choice = 0; choice < all; choice++) {
            long rest = choice;
            int sum = 0;
            long cost = 0;
            for (int symbol = 0; symbol < counts.length; symbol++) {
                int length = (int) (rest % longest) + 1;
                rest /= longest;
                sum += 1 << (longest - length);
                cost += (long) counts[symbol] * length;
            }
            if (sum <= 1 << longest) {
                least = Math.min(least, cost);
            }
        }
        return least;
    }
}
