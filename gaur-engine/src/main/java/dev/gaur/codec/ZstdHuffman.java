package dev.gaur.codec;

import java.util.Arrays;

/**
 * The prefix code of a block's literals: reads its description, then streams of literals.
 *
 * @see <a href="https://www.rfc-editor.org/rfc/rfc8878#section-4.2">RFC 8878, section 4.2</a>
 */
final class ZstdHuffman {

    /** The most bits of a code. */
    static final int LONGEST = 11;

    /** The highest accuracy of the table that the weights are coded with. */
    static final int WEIGHTS_ACCURACY = 6;

    /** A first byte above this counts weights of four bits; else it counts bytes. */
    static final int PLAIN_WEIGHTS = 127;

    private static final int SYMBOLS = 256;

    private final FseTable weightsTable = new FseTable(WEIGHTS_ACCURACY, LONGEST + 1);
    private final BackwardBits stream = new BackwardBits();
    private final byte[] weights = new byte[SYMBOLS];

    /** What the next bits begin with: a symbol, and above it the length of its code. */
    private final short[] table = new short[1 << LONGEST];

    private int longest;

    /** Forgets the code. */
    void clear() {
        longest = 0;
    }

    boolean isEmpty() {
        return longest == 0;
    }

    /**
     * Reads a code's description.
     *
     * @return the index after its last byte
     */
    int read(byte[] bytes, int start, int end) throws DamagedException {
        longest = 0;
        DamagedException.unless(start < end, "no Huffman code");
        int head = Byte.toUnsignedInt(bytes[start]);
        int count = head > PLAIN_WEIGHTS ? head - PLAIN_WEIGHTS : 0;
        int after = start + 1 + (count > 0 ? (count + 1) / 2 : head);
        DamagedException.unless(after <= end, "Huffman code cut off");
        if (count > 0) {
            for (int i = 0; i < count; i++) {
                weights[i] = (byte) ((bytes[start + 1 + i / 2] >>> (i % 2 == 0 ? 4 : 0)) & 0xf);
            }
        } else {
            count = readWeights(bytes, start + 1, after);
        }
        fill(count);
        return after;
    }

    /**
     * Two states take turns; the first one to run out of bits leaves the last word to the other.
     */
    private int readWeights(byte[] bytes, int start, int end) throws DamagedException {
        int after = weightsTable.read(bytes, start, end);
        stream.reset(bytes, after, end);
        int state = stream.take(weightsTable.accuracy());
        int other = stream.take(weightsTable.accuracy());
        DamagedException.unless(stream.left() >= 0, "Huffman weights cut off");
        int count = 0;
        while (stream.left() >= 0) {
            DamagedException.unless(count < SYMBOLS - 2, "too many Huffman weights");
            weights[count++] = (byte) weightsTable.symbol(state);
            int next = weightsTable.next(state, stream);
            state = other;
            other = next;
        }
        weights[count++] = (byte) weightsTable.symbol(state);
        return count;
    }

    /** The last weight is not written: it makes the sum a power of two. */
    private void fill(int count) throws DamagedException {
        int sum = 0;
        for (int i = 0; i < count; i++) {
            sum += (1 << weights[i]) >> 1;
        }
        DamagedException.unless(sum > 0 && sum < 1 << LONGEST, "Huffman weights out of range");
        int bits = Integer.SIZE - Integer.numberOfLeadingZeros(sum);
        int missing = (1 << bits) - sum;
        DamagedException.unless(Integer.bitCount(missing) == 1, "Huffman weights do not add up");
        weights[count] = (byte) (Integer.numberOfTrailingZeros(missing) + 1);
        int cell = 0;
        for (int weight = 1; weight <= bits; weight++) {
            for (int symbol = 0; symbol <= count; symbol++) {
                if (weights[symbol] == weight) {
                    int cells = 1 << (weight - 1);
                    short entry = (short) (((bits + 1 - weight) << Byte.SIZE) | symbol);
                    Arrays.fill(table, cell, cell + cells, entry);
                    cell += cells;
                }
            }
        }
        longest = bits;
    }

    /** Reads one stream of literals. */
    void decode(byte[] bytes, int start, int end, byte[] target, int from, int to)
            throws DamagedException {
        stream.reset(bytes, start, end);
        for (int i = from; i < to; i++) {
            int entry = table[stream.peek(longest)];
            target[i] = (byte) entry;
            stream.skip(entry >>> Byte.SIZE);
        }
        DamagedException.unless(stream.left() == 0, "literals do not fill their stream");
    }
}
