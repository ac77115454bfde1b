package dev.gaur.codec;

/**
 * Writes the literals of a block with a prefix code: the reverse of {@link ZstdHuffman}.
 *
 * @see <a href="https://www.rfc-editor.org/rfc/rfc8878#section-4.2">RFC 8878, section 4.2</a>
 */
final class ZstdHuffmanEncoder {

    private static final int MAX_PLAIN_WEIGHTS = 128;

    private final byte[] lengths;
    private final int[] codes;
    private final int longest;
    private final int last;

    /**
     * @param counts how often each byte occurs; at least two do
     */
    ZstdHuffmanEncoder(int[] counts) {
        lengths = new byte[counts.length];
        codes = new int[counts.length];
        HuffmanLengths.compute(counts, ZstdHuffman.LONGEST, lengths);
        int longestLength = 0;
        int lastSymbol = 0;
        for (int symbol = 0; symbol < lengths.length; symbol++) {
            longestLength = Math.max(longestLength, lengths[symbol]);
            lastSymbol = lengths[symbol] > 0 ? symbol : lastSymbol;
        }
        longest = longestLength;
        last = lastSymbol;
        int cell = 0;
        for (int length = longest; length > 0; length--) {
            for (int symbol = 0; symbol <= last; symbol++) {
                if (lengths[symbol] == length) {
                    codes[symbol] = cell >> (longest - length);
                    cell += 1 << (longest - length);
                }
            }
        }
    }

    /** How many bits the literals need. */
    long cost(int[] counts) {
        long bits = 0;
        for (int symbol = 0; symbol < counts.length; symbol++) {
            bits += (long) counts[symbol] * lengths[symbol];
        }
        return bits;
    }

    /**
     * Writes the code's description; starts and ends aligned.
     *
     * @return false when this code cannot be described
     */
    boolean writeDescription(BitWriter writer) {
        byte[] weights = new byte[last];
        int[] counts = new int[ZstdHuffman.LONGEST + 1];
        int kinds = 0;
        for (int symbol = 0; symbol < last; symbol++) {
            weights[symbol] = (byte) (lengths[symbol] == 0 ? 0 : longest + 1 - lengths[symbol]);
            kinds += counts[weights[symbol]]++ == 0 ? 1 : 0;
        }
        int start = writer.length();
        writer.skip(1);
        if (kinds > 1) {
            writeWeights(writer, weights, counts);
            int length = writer.length() - start - 1;
            if (length <= ZstdHuffman.PLAIN_WEIGHTS && length < (last + 1) / 2) {
                writer.patch(start, length, 1);
                return true;
            }
            writer.truncate(start + 1);
        }
        if (last > MAX_PLAIN_WEIGHTS) {
            return false;
        }
        writer.patch(start, ZstdHuffman.PLAIN_WEIGHTS + last, 1);
        for (int i = 0; i < last; i += 2) {
            writer.put(i + 1 < last ? weights[i + 1] : 0, 4);
            writer.put(weights[i], 4);
        }
        writer.align();
        return true;
    }

    /** Two states take turns: weights of even number belong to one, the others to the other. */
    private static void writeWeights(BitWriter writer, byte[] weights, int[] counts) {
        var encoder = FseEncoder.of(counts, weights.length, ZstdHuffman.WEIGHTS_ACCURACY);
        encoder.writeDescription(writer);
        int[] state = new int[2];
        for (int i = weights.length - 1; i >= 0; i--) {
            state[i % 2] =
                    i >= weights.length - 2
                            ? encoder.start(weights[i])
                            : encoder.write(writer, weights[i], state[i % 2]);
        }
        encoder.finish(writer, state[1]);
        encoder.finish(writer, state[0]);
        writer.endBackward();
    }

    /** Writes one stream of literals; starts and ends aligned. */
    void writeStream(BitWriter writer, byte[] literals, int from, int to) {
        for (int i = to - 1; i >= from; i--) {
            int symbol = Byte.toUnsignedInt(literals[i]);
            writer.put(codes[symbol], lengths[symbol]);
        }
        writer.endBackward();
    }
}
