package dev.gaur.codec;

/**
 * What the symbols of zstd's sequences stand for, and how probable each is if nothing is said.
 *
 * @see <a href="https://www.rfc-editor.org/rfc/rfc8878#section-3.1.1.3.2">RFC 8878, section
 *     3.1.1.3.2</a>
 */
final class ZstdCodes {

    static final int MAX_BLOCK = 128 << 10;
    static final int SHORTEST_MATCH = 3;

    static final int LITERALS_MAX_ACCURACY = 9;
    static final int LITERALS_MAX_SYMBOL = 35;
    static final int OFFSETS_MAX_ACCURACY = 8;
    static final int OFFSETS_MAX_SYMBOL = 31;
    static final int MATCHES_MAX_ACCURACY = 9;
    static final int MATCHES_MAX_SYMBOL = 52;

    static final int LITERALS_DEFAULT_ACCURACY = 6;
    static final int OFFSETS_DEFAULT_ACCURACY = 5;
    static final int MATCHES_DEFAULT_ACCURACY = 6;

    static final byte[] LITERALS_BITS = {
        0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, //
        1, 1, 1, 1, 2, 2, 3, 3, 4, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16
    };

    static final byte[] MATCHES_BITS = {
        0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, //
        0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, //
        1, 1, 1, 1, 2, 2, 3, 3, 4, 4, 5, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16
    };

    /** A symbol of an offset is the number of its extra bits. */
    static final byte[] OFFSETS_BITS = new byte[OFFSETS_MAX_SYMBOL];

    static {
        for (int symbol = 0; symbol < OFFSETS_MAX_SYMBOL; symbol++) {
            OFFSETS_BITS[symbol] = (byte) symbol;
        }
    }

    static final int[] OFFSETS_BASE = bases(1, OFFSETS_BITS);

    /** The smallest number of literals of each symbol. */
    static final int[] LITERALS_BASE = bases(0, LITERALS_BITS);

    /** The shortest match of each symbol. */
    static final int[] MATCHES_BASE = bases(SHORTEST_MATCH, MATCHES_BITS);

    static final short[] LITERALS_DEFAULT = {
        4, 3, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 1, 1, 1, //
        2, 2, 2, 2, 2, 2, 2, 2, 2, 3, 2, 1, 1, 1, 1, 1, -1, -1, -1, -1
    };

    static final short[] OFFSETS_DEFAULT = {
        1, 1, 1, 1, 1, 1, 2, 2, 2, 1, 1, 1, 1, 1, 1, 1, //
        1, 1, 1, 1, 1, 1, 1, 1, -1, -1, -1, -1, -1
    };

    static final short[] MATCHES_DEFAULT = {
        1, 4, 3, 2, 2, 2, 2, 2, 2, 1, 1, 1, 1, 1, 1, 1, //
        1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, //
        1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, -1, -1, -1, -1, -1, -1, -1
    };

    private ZstdCodes() {}

    /** Each symbol's range begins where the one before ends. */
    private static int[] bases(int first, byte[] bits) {
        int[] bases = new int[bits.length];
        int base = first;
        for (int symbol = 0; symbol < bits.length; symbol++) {
            bases[symbol] = base;
            base += 1 << bits[symbol];
        }
        return bases;
    }
}
