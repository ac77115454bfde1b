package dev.gaur.codec;

import java.util.Arrays;

/**
 * Literals and matches of one deflate block, with how often each symbol occurs.
 *
 * @see <a href="https://www.rfc-editor.org/rfc/rfc1951#section-3.2.5">RFC 1951, section 3.2.5</a>
 */
final class DeflateTokens {

    static final int SHORTEST_MATCH = 3;
    static final int LONGEST_MATCH = 258;

    /** What QEMU's window holds, an eighth of what the format allows. */
    static final int LONGEST_DISTANCE = 4096;

    static final int END_OF_BLOCK = 256;
    static final int LITERALS_AND_LENGTHS = 286;
    static final int DISTANCES = 30;

    /** As many as zlib puts into a block with the memory level that QEMU chose. */
    private static final int CAPACITY = 32 << 10;

    private static final int LENGTH_BITS = 9;
    private static final int FIRST_LENGTH_SYMBOL = 257;
    private static final int LAST_LENGTH_SYMBOL = 285;

    private static final short[] LENGTH_SYMBOLS = new short[LONGEST_MATCH + 1];
    private static final byte[] DISTANCE_SYMBOLS = new byte[LONGEST_DISTANCE + 1];

    static {
        for (int length = SHORTEST_MATCH; length <= LONGEST_MATCH; length++) {
            LENGTH_SYMBOLS[length] = (short) symbolOfLength(length);
        }
        for (int distance = 1; distance <= LONGEST_DISTANCE; distance++) {
            DISTANCE_SYMBOLS[distance] = (byte) symbolOfDistance(distance);
        }
    }

    /** A literal; or a length, and above it a distance, which is never 0. */
    private final int[] tokens = new int[CAPACITY];

    private int size;

    final int[] literalCounts = new int[LITERALS_AND_LENGTHS];
    final int[] distanceCounts = new int[DISTANCES];

    void clear() {
        size = 0;
        Arrays.fill(literalCounts, 0);
        Arrays.fill(distanceCounts, 0);
        literalCounts[END_OF_BLOCK] = 1;
    }

    boolean isFull() {
        return size == CAPACITY;
    }

    void addLiteral(int value) {
        tokens[size++] = value;
        literalCounts[value]++;
    }

    void addMatch(int length, int distance) {
        tokens[size++] = (distance << LENGTH_BITS) | length;
        literalCounts[lengthSymbol(length)]++;
        distanceCounts[distanceSymbol(distance)]++;
    }

    int size() {
        return size;
    }

    /** The distance of a match, or 0 for a literal. */
    int distance(int index) {
        return tokens[index] >>> LENGTH_BITS;
    }

    /** The length of a match, or the literal's value. */
    int value(int index) {
        return tokens[index] & ((1 << LENGTH_BITS) - 1);
    }

    static int lengthSymbol(int length) {
        return LENGTH_SYMBOLS[length];
    }

    /** Four symbols share each number of extra bits, but for the eight shortest and the longest. */
    private static int symbolOfLength(int length) {
        int rest = length - SHORTEST_MATCH;
        int extra = rest < 8 ? 0 : log2(rest) - 2;
        return length == LONGEST_MATCH
                ? LAST_LENGTH_SYMBOL
                : FIRST_LENGTH_SYMBOL + 4 * extra + (rest >> extra);
    }

    /** How many bits after a literal's or length's symbol belong to it. */
    static int lengthExtraBits(int symbol) {
        int place = symbol - FIRST_LENGTH_SYMBOL;
        return place < 8 || symbol == LAST_LENGTH_SYMBOL ? 0 : place / 4 - 1;
    }

    static int distanceSymbol(int distance) {
        return DISTANCE_SYMBOLS[distance];
    }

    /** Two symbols share each number of extra bits, but for the four shortest. */
    private static int symbolOfDistance(int distance) {
        int rest = distance - 1;
        int extra = rest < 4 ? 0 : log2(rest) - 1;
        return 2 * extra + (rest >> extra);
    }

    /** How many bits after a distance's symbol belong to it. */
    static int distanceExtraBits(int symbol) {
        return symbol < 4 ? 0 : symbol / 2 - 1;
    }

    /** How many bits all symbols are followed by. */
    long extraBits() {
        long bits = 0;
        for (int symbol = FIRST_LENGTH_SYMBOL; symbol < LITERALS_AND_LENGTHS; symbol++) {
            bits += (long) literalCounts[symbol] * lengthExtraBits(symbol);
        }
        for (int symbol = 0; symbol < DISTANCES; symbol++) {
            bits += (long) distanceCounts[symbol] * distanceExtraBits(symbol);
        }
        return bits;
    }

    private static int log2(int value) {
        return Integer.SIZE - 1 - Integer.numberOfLeadingZeros(value);
    }
}
