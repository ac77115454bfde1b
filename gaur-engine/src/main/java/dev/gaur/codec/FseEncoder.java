package dev.gaur.codec;

import java.util.Arrays;

/**
 * Finite state entropy, writing: the reverse of {@link FseTable}. Symbols are written last first.
 *
 * @see <a href="https://www.rfc-editor.org/rfc/rfc8878#section-4.1">RFC 8878, section 4.1</a>
 */
final class FseEncoder {

    private final short[] probabilities;
    private final int used;
    private final int accuracy;

    /** The states of each symbol in ascending order, one symbol after the other. */
    private final short[] states;

    private final int[] firsts;

    /**
     * Makes an encoder for known probabilities; a single symbol needs no more than accuracy 0.
     *
     * @param probabilities for each symbol the number of states, or -1 for one state
     */
    FseEncoder(short[] probabilities, int accuracy) {
        this.probabilities = probabilities;
        this.used = probabilities.length;
        this.accuracy = accuracy;
        int size = 1 << accuracy;
        byte[] symbols = new byte[size];
        FseTable.spread(probabilities, used, size, symbols);
        firsts = new int[used];
        for (int symbol = 1; symbol < used; symbol++) {
            firsts[symbol] = firsts[symbol - 1] + Math.abs(probabilities[symbol - 1]);
        }
        int[] next = firsts.clone();
        states = new short[size];
        for (int state = 0; state < size; state++) {
            states[next[symbols[state]]++] = (short) state;
        }
    }

    /**
     * Makes the encoder that suits what occurs: at least two symbols.
     *
     * @param total the sum of the counts
     */
    static FseEncoder of(int[] counts, int total, int maxAccuracy) {
        int symbols = counts.length;
        while (counts[symbols - 1] == 0) {
            symbols--;
        }
        int accuracy = Math.clamp(log2(total) - 1, FseTable.LEAST_ACCURACY, maxAccuracy);
        while (1 << accuracy < 2 * symbols && accuracy < maxAccuracy) {
            accuracy++;
        }
        int size = 1 << accuracy;
        short[] probabilities = new short[symbols];
        int rest = size;
        int most = 0;
        for (int symbol = 0; symbol < symbols; symbol++) {
            if (counts[symbol] > 0) {
                long share = ((long) counts[symbol] * size + total / 2) / total;
                probabilities[symbol] = (short) Math.max(1, share);
                rest -= probabilities[symbol];
            }
            most = counts[symbol] > counts[most] ? symbol : most;
        }
        if (rest > -probabilities[most] / 2) {
            probabilities[most] += (short) rest;
        } else {
            takeBack(probabilities, -rest);
        }
        return new FseEncoder(probabilities, accuracy);
    }

    /** Takes states from the symbols that have the most, one by one. */
    private static void takeBack(short[] probabilities, int states) {
        for (int i = 0; i < states; i++) {
            int most = 0;
            for (int symbol = 1; symbol < probabilities.length; symbol++) {
                most = probabilities[symbol] > probabilities[most] ? symbol : most;
            }
            probabilities[most]--;
        }
    }

    private static int log2(int value) {
        return Integer.SIZE - 1 - Integer.numberOfLeadingZeros(value);
    }

    /** Writes the probabilities; starts and ends aligned. */
    void writeDescription(BitWriter writer) {
        writer.put(accuracy - FseTable.LEAST_ACCURACY, 4);
        int rest = 1 << accuracy;
        for (int symbol = 0; symbol < used; symbol++) {
            int width = Integer.SIZE - Integer.numberOfLeadingZeros(rest + 1);
            int small = (1 << width) - 1 - (rest + 1);
            int value = probabilities[symbol] + 1;
            if (value < small) {
                writer.put(value, width - 1);
            } else {
                writer.put(value < 1 << (width - 1) ? value : value + small, width);
            }
            rest -= probabilities[symbol];
            if (value == 1) {
                int zeros = 0;
                while (probabilities[symbol + 1 + zeros] == 0) {
                    zeros++;
                }
                symbol += zeros;
                for (; zeros >= 3; zeros -= 3) {
                    writer.put(3, 2);
                }
                writer.put(zeros, 2);
            }
        }
        writer.align();
    }

    /** How many bits the counted symbols need, about; infinite if one of them cannot be written. */
    double cost(int[] counts) {
        double bits = 0;
        for (int symbol = 0; symbol < counts.length; symbol++) {
            if (counts[symbol] > 0) {
                int states = symbol < used ? Math.abs(probabilities[symbol]) : 0;
                bits += counts[symbol] * (accuracy - Math.log(states) / Math.log(2));
            }
        }
        return bits;
    }

    /** The state that stands for the last symbol: the one that its reader leaves with most bits. */
    int start(int symbol) {
        return states[firsts[symbol]];
    }

    /** Writes what leads from a symbol to the state after it; returns the symbol's state. */
    int write(BitWriter writer, int symbol, int after) {
        int share = Math.abs(probabilities[symbol]);
        int value = after + (1 << accuracy);
        int width = accuracy - log2(share);
        if (value >> width < share) {
            width--;
        }
        writer.put(value & ((1 << width) - 1), width);
        return states[firsts[symbol] + (value >> width) - share];
    }

    /** Writes the state of the first symbol. */
    void finish(BitWriter writer, int state) {
        writer.put(state, accuracy);
    }

    @Override
    public String toString() {
        return "accuracy %d, %s".formatted(accuracy, Arrays.toString(probabilities));
    }
}
