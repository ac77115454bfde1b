package dev.gaur.codec;

import java.util.Arrays;

/**
 * Reads the tokens of a deflate stream without carrying them out: a second, independent reading of
 * RFC 1951 that measures distances.
 */
final class DeflateWalker {

    private static final int LONGEST_CODE = 15;
    private static final int[] LENGTHS_ORDER = {
        16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15
    };

    private final byte[] stream;
    private long bit;
    private long produced;
    private int maxDistance;

    private DeflateWalker(byte[] stream) {
        this.stream = stream;
    }

    /** What was found. */
    record Findings(int maxDistance, long uncompressedSize, int compressedSize) {}

    static Findings walk(byte[] stream) {
        var walker = new DeflateWalker(stream);
        boolean last;
        do {
            last = walker.take(1) == 1;
            walker.walkBlock(walker.take(2));
        } while (!last);
        return new Findings(
                walker.maxDistance, walker.produced, (int) ((walker.bit + 7) / Byte.SIZE));
    }

    private int take(int width) {
        int value = 0;
        for (int i = 0; i < width; i++, bit++) {
            value |= (stream[(int) (bit / 8)] >> (bit % 8) & 1) << i;
        }
        return value;
    }

    private void walkBlock(int form) {
        switch (form) {
            case 0 -> {
                bit = (bit + 7) / 8 * 8;
                int length = take(16);
                if ((take(16) ^ 0xffff) != length) {
                    throw new IllegalArgumentException("stored length");
                }
                bit += 8L * length;
                produced += length;
            }
            case 1 -> walkTokens(new Code(fixedLengths()), new Code(repeat(5, 30)));
            case 2 -> {
                int literals = take(5) + 257;
                int distances = take(5) + 1;
                int[] lengths = readLengths(literals + distances);
                walkTokens(
                        new Code(Arrays.copyOf(lengths, literals)),
                        new Code(Arrays.copyOfRange(lengths, literals, lengths.length)));
            }
            default -> throw new IllegalArgumentException("block of form " + form);
        }
    }

    private static int[] repeat(int value, int count) {
        int[] all = new int[count];
        Arrays.fill(all, value);
        return all;
    }

    private static int[] fixedLengths() {
        int[] lengths = repeat(8, 288);
        Arrays.fill(lengths, 144, 256, 9);
        Arrays.fill(lengths, 256, 280, 7);
        return lengths;
    }

    private int[] readLengths(int count) {
        int listed = take(4) + 4;
        int[] ofLengths = new int[19];
        for (int i = 0; i < listed; i++) {
            ofLengths[LENGTHS_ORDER[i]] = take(3);
        }
        var code = new Code(ofLengths);
        int[] lengths = new int[count];
        for (int at = 0; at < count; ) {
            int symbol = code.next();
            int value = symbol < 16 ? symbol : symbol == 16 ? lengths[at - 1] : 0;
            int times =
                    switch (symbol) {
                        case 16 -> 3 + take(2);
                        case 17 -> 3 + take(3);
                        case 18 -> 11 + take(7);
                        default -> 1;
                    };
            Arrays.fill(lengths, at, at + times, value);
            at += times;
        }
        return lengths;
    }

    private void walkTokens(Code literals, Code distances) {
        for (int symbol = literals.next(); symbol != 256; symbol = literals.next()) {
            if (symbol < 256) {
                produced++;
                continue;
            }
            int place = symbol - 257;
            int extra = place < 8 || place == 28 ? 0 : place / 4 - 1;
            int base = place < 8 ? 3 + place : 3 + ((4 + place % 4) << extra);
            int length = place == 28 ? 258 : base + take(extra);
            int distance = takeDistance(distances.next());
            if (distance > produced) {
                throw new IllegalArgumentException("distance before the start");
            }
            maxDistance = Math.max(maxDistance, distance);
            produced += length;
        }
    }

    private int takeDistance(int symbol) {
        if (symbol < 4) {
            return 1 + symbol;
        }
        int extra = symbol / 2 - 1;
        return 1 + ((2 + symbol % 2) << extra) + take(extra);
    }

    /** A canonical code, read bit by bit. */
    private final class Code {
        private final int[] counts = new int[LONGEST_CODE + 1];
        private final int[] symbols;

        Code(int[] lengths) {
            symbols = new int[lengths.length];
            int at = 0;
            for (int length = 1; length <= LONGEST_CODE; length++) {
                for (int symbol = 0; symbol < lengths.length; symbol++) {
                    if (lengths[symbol] == length) {
                        counts[length]++;
                        symbols[at++] = symbol;
                    }
                }
            }
        }

        int next() {
            int code = 0;
            int first = 0;
            int index = 0;
            for (int length = 1; length <= LONGEST_CODE; length++) {
                code |= take(1);
                if (code - first < counts[length]) {
                    return symbols[index + code - first];
                }
                index += counts[length];
                first = (first + counts[length]) << 1;
                code <<= 1;
            }
            throw new IllegalArgumentException("no such code");
        }
    }
}
