package dev.gaur.codec;

import java.util.Arrays;

/**
 * The head of a dynamic block: the lengths of its two codes, run-length coded and coded again.
 *
 * @see <a href="https://www.rfc-editor.org/rfc/rfc1951#section-3.2.7">RFC 1951, section 3.2.7</a>
 */
final class CodeLengths {

    private static final int REPEAT = 16;
    private static final int ZEROS = 17;
    private static final int MANY_ZEROS = 18;
    private static final int SYMBOLS = 19;
    private static final int LONGEST = 7;

    /** The order in which the format lists the lengths of the lengths' code. */
    private static final byte[] ORDER = {
        16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15
    };

    private final int literals;
    private final int distances;

    /** A symbol, and above it the value of its extra bits. */
    private final int[] runs;

    private int size;
    private final int[] counts = new int[SYMBOLS];
    private final PrefixCode code;
    private final int listed;

    CodeLengths(PrefixCode literalCode, PrefixCode distanceCode) {
        literals = used(literalCode.lengths, DeflateTokens.END_OF_BLOCK + 1);
        distances = used(distanceCode.lengths, 1);
        byte[] lengths = Arrays.copyOf(literalCode.lengths, literals + distances);
        System.arraycopy(distanceCode.lengths, 0, lengths, literals, distances);
        runs = new int[lengths.length];
        for (int at = 0; at < lengths.length; ) {
            int run = 1;
            while (at + run < lengths.length && lengths[at + run] == lengths[at]) {
                run++;
            }
            addRun(lengths[at], run);
            at += run;
        }
        code = PrefixCode.of(counts, LONGEST);
        int last = SYMBOLS;
        while (last > 4 && code.lengths[ORDER[last - 1]] == 0) {
            last--;
        }
        listed = last;
    }

    private static int used(byte[] lengths, int least) {
        int used = lengths.length;
        while (used > least && lengths[used - 1] == 0) {
            used--;
        }
        return used;
    }

    private void addRun(int length, int run) {
        int rest = run;
        if (length != 0) {
            add(length, 0);
            rest--;
        }
        while (rest > 0) {
            if (rest < 3) {
                add(length, 0);
                rest--;
            } else if (length != 0) {
                int part = Math.min(rest, 6);
                add(REPEAT, part - 3);
                rest -= part;
            } else if (rest <= 10) {
                add(ZEROS, rest - 3);
                rest = 0;
            } else {
                int part = Math.min(rest, 138);
                add(MANY_ZEROS, part - 11);
                rest -= part;
            }
        }
    }

    private void add(int symbol, int extra) {
        runs[size++] = (extra << Byte.SIZE) | symbol;
        counts[symbol]++;
    }

    private static int extraBits(int symbol) {
        return switch (symbol) {
            case REPEAT -> 2;
            case ZEROS -> 3;
            case MANY_ZEROS -> 7;
            default -> 0;
        };
    }

    /** Length of the head in bits. */
    long cost() {
        long bits = 5 + 5 + 4 + 3L * listed + code.cost(counts);
        for (int symbol = REPEAT; symbol <= MANY_ZEROS; symbol++) {
            bits += (long) counts[symbol] * extraBits(symbol);
        }
        return bits;
    }

    void write(BitWriter writer) {
        writer.put(literals - (DeflateTokens.END_OF_BLOCK + 1), 5);
        writer.put(distances - 1, 5);
        writer.put(listed - 4, 4);
        for (int i = 0; i < listed; i++) {
            writer.put(code.lengths[ORDER[i]], 3);
        }
        for (int i = 0; i < size; i++) {
            int symbol = runs[i] & 0xff;
            code.write(writer, symbol);
            writer.put(runs[i] >>> Byte.SIZE, extraBits(symbol));
        }
    }
}
