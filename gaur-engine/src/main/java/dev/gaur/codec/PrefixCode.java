package dev.gaur.codec;

/**
 * The canonical prefix code of deflate: shorter codes first, then by symbol.
 *
 * @see <a href="https://www.rfc-editor.org/rfc/rfc1951#section-3.2.2">RFC 1951, section 3.2.2</a>
 */
final class PrefixCode {

    static final int LONGEST = 15;

    final byte[] lengths;
    private final int[] codes;

    PrefixCode(int symbols) {
        lengths = new byte[symbols];
        codes = new int[symbols];
    }

    /** Makes the best code for what occurs. */
    static PrefixCode of(int[] counts, int longest) {
        var code = new PrefixCode(counts.length);
        HuffmanLengths.compute(counts, longest, code.lengths);
        code.assign();
        return code;
    }

    /** Assigns codes once the lengths are set. */
    void assign() {
        int[] next = new int[LONGEST + 2];
        for (byte length : lengths) {
            next[length + 1]++;
        }
        next[1] = 0; // symbols without a code do not count
        for (int length = 1; length <= LONGEST; length++) {
            next[length] = (next[length] + next[length - 1]) << 1;
        }
        for (int symbol = 0; symbol < codes.length; symbol++) {
            int length = lengths[symbol];
            if (length > 0) {
                codes[symbol] = Integer.reverse(next[length]++) >>> (Integer.SIZE - length);
            }
        }
    }

    void write(BitWriter writer, int symbol) {
        writer.put(codes[symbol], lengths[symbol]);
    }

    /** Writes a symbol and the extra bits that belong to it, 28 together at the most. */
    void write(BitWriter writer, int symbol, int extra, int extraBits) {
        int length = lengths[symbol];
        writer.put(codes[symbol] | (extra << length), length + extraBits);
    }

    /** How many bits the symbols of a block need. */
    long cost(int[] counts) {
        long bits = 0;
        for (int symbol = 0; symbol < counts.length; symbol++) {
            bits += (long) counts[symbol] * lengths[symbol];
        }
        return bits;
    }
}
