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
    static final int END_OF_BLOCK = 256;
    static final int LITERALS_AND_LENGTHS = 286;
    static final int DISTANCES = 30;

    /** As many as zlib puts into a block with the memory level that QEMU chose. */
    private static final int CAPACITY = 32 << 10;

    private static final int LENGTH_BITS = 9;
    private static final int FIRST_LENGTH_SYMBOL = 257;
    private static final int LAST_LENGTH_SYMBOL = 285;

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

    /** Four symbols share each number of extra bits, but for the eight shortest and the longest. */
    static int lengthSymbol(int length) {
        int rest = length - SHORTEST_MATCH;
        int extra = lengthExtraBits(length);
        return length == LONGEST_MATCH
                ? LAST_LENGTH_SYMBOL
                : FIRST_LENGTH_SYMBOL + 4 * extra + (rest >> extra);
    }

    static int lengthExtraBits(int length) {
        int rest = length - SHORTEST_MATCH;
        return rest < 8 || length == LONGEST_MATCH ? 0 : log2(rest) - 2;
    }

    /** Two symbols share each number of extra bits, but for the four shortest. */
    static int distanceSymbol(int distance) {
        int rest = distance - 1;
        int extra = distanceExtraBits(distance);
        return 2 * extra + (rest >> extra);
    }

    static int distanceExtraBits(int distance) {
        int rest = distance - 1;
        return rest < 4 ? 0 : log2(rest) - 1;
    }

    static int lengthExtra(int length) {
        return (length - SHORTEST_MATCH) & ((1 << lengthExtraBits(length)) - 1);
    }

    static int distanceExtra(int distance) {
        return (distance - 1) & ((1 << distanceExtraBits(distance)) - 1);
    }

    private static int log2(int value) {
        return Integer.SIZE - 1 - Integer.numberOfLeadingZeros(value);
    }
}
