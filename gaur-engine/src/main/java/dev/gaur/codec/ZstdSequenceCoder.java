package dev.gaur.codec;

import java.util.Arrays;

/** Writes one field of a block's sequences, with the table that suits it best. */
final class ZstdSequenceCoder {

    private static final int NONE = -1;

    private final int[] bases;
    private final byte[] extraBits;
    private final FseEncoder known;
    private final int maxAccuracy;
    private final int[] counts;

    private final int[] values;
    private final byte[] symbols;
    private FseEncoder encoder;
    private int state = NONE;

    /**
     * @param capacity how many sequences a block can have
     */
    ZstdSequenceCoder(
            int capacity,
            int[] bases,
            byte[] extraBits,
            short[] known,
            int knownAccuracy,
            int maxAccuracy) {
        this.values = new int[capacity];
        this.symbols = new byte[capacity];
        this.bases = bases;
        this.extraBits = extraBits;
        this.known = new FseEncoder(known, knownAccuracy);
        this.maxAccuracy = maxAccuracy;
        this.counts = new int[bases.length];
        this.encoder = this.known;
    }

    /** Takes note of a sequence's value. */
    void set(int sequence, int value) {
        int found = Arrays.binarySearch(bases, value);
        values[sequence] = value;
        symbols[sequence] = (byte) (found >= 0 ? found : -found - 2);
    }

    /**
     * Chooses a table for the first {@code size} values, and describes it.
     *
     * @return its mode
     */
    int prepare(int size, BitWriter writer) {
        state = NONE;
        Arrays.fill(counts, 0);
        int kinds = 0;
        for (int i = 0; i < size; i++) {
            kinds += counts[symbols[i]]++ == 0 ? 1 : 0;
        }
        if (kinds == 1) {
            int symbol = symbols[0];
            short[] single = new short[symbol + 1];
            single[symbol] = 1;
            encoder = new FseEncoder(single, 0);
            writer.put(symbol, Byte.SIZE);
            writer.align();
            return ZstdSequences.SINGLE;
        }
        int start = writer.length();
        encoder = FseEncoder.of(counts, size, maxAccuracy);
        encoder.writeDescription(writer);
        int length = writer.length() - start;
        if (encoder.cost(counts) + length * Byte.SIZE < known.cost(counts)) {
            return ZstdSequences.DESCRIBED;
        }
        writer.truncate(start);
        encoder = known;
        return ZstdSequences.DEFAULT;
    }

    /** Writes what leads from a sequence's symbol to that of the one written before it. */
    void writeState(BitWriter writer, int sequence) {
        int symbol = symbols[sequence];
        state = state == NONE ? encoder.start(symbol) : encoder.write(writer, symbol, state);
    }

    /** Writes what a value has beyond its symbol. */
    void writeExtra(BitWriter writer, int sequence) {
        int symbol = symbols[sequence];
        writer.put(values[sequence] - bases[symbol], extraBits[symbol]);
    }

    /** Writes the state of the symbol written last. */
    void finish(BitWriter writer) {
        encoder.finish(writer, state);
    }
}
