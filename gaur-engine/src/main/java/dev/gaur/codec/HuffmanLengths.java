package dev.gaur.codec;

import java.util.Arrays;

/**
 * The lengths of an optimal prefix code in which no code is longer than allowed.
 *
 * <p>Package-merge: a list of items by weight for each bit of the longest code, where an item is a
 * symbol or a package of two neighbours from the list before.
 *
 * @see <a href="https://doi.org/10.1145/79147.79150">Larmore, Hirschberg: A fast algorithm for
 *     optimal length-limited Huffman codes</a>
 */
final class HuffmanLengths {

    private HuffmanLengths() {}

    /**
     * Computes the lengths.
     *
     * @param counts how often each symbol occurs; at least two do, at most {@code 2^longest}
     * @param longest the most bits that a code may have
     * @param lengths receives bits per symbol, 0 for one that does not occur
     */
    static void compute(int[] counts, int longest, byte[] lengths) {
        Arrays.fill(lengths, (byte) 0);
        int[] symbols = byCount(counts);
        boolean[][] isSymbol = new boolean[longest][];
        long[] weights = {};
        for (int list = 0; list < longest; list++) {
            isSymbol[list] = new boolean[symbols.length + weights.length / 2];
            weights = merge(counts, symbols, weights, isSymbol[list]);
        }
        // The cheapest items of the last list are the answer: each symbol in it, also deep inside
        // of packages, stands for one bit of the symbol's code.
        int taken = 2 * symbols.length - 2;
        for (int list = longest - 1; list >= 0; list--) {
            int singles = 0;
            for (int i = 0; i < taken; i++) {
                if (isSymbol[list][i]) {
                    lengths[symbols[singles++]]++;
                }
            }
            taken = 2 * (taken - singles);
        }
    }

    /** Makes the next list: the symbols, and pairs of the list before, by weight. */
    private static long[] merge(int[] counts, int[] symbols, long[] before, boolean[] isSymbol) {
        long[] merged = new long[isSymbol.length];
        int symbol = 0;
        int pair = 0;
        for (int i = 0; i < merged.length; i++) {
            long single = symbol < symbols.length ? counts[symbols[symbol]] : Long.MAX_VALUE;
            long both =
                    pair < before.length / 2
                            ? before[2 * pair] + before[2 * pair + 1]
                            : Long.MAX_VALUE;
            isSymbol[i] = single <= both;
            merged[i] = Math.min(single, both);
            if (isSymbol[i]) {
                symbol++;
            } else {
                pair++;
            }
        }
        return merged;
    }

    /** The symbols that occur, rarest first. */
    private static int[] byCount(int[] counts) {
        long[] keys = new long[counts.length];
        int used = 0;
        for (int symbol = 0; symbol < counts.length; symbol++) {
            if (counts[symbol] > 0) {
                keys[used++] = ((long) counts[symbol] << Integer.SIZE) | symbol;
            }
        }
        Arrays.sort(keys, 0, used);
        int[] symbols = new int[used];
        Arrays.setAll(symbols, i -> (int) keys[i]);
        return symbols;
    }
}
