package dev.gaur.codec;

/**
 * A decoding table of finite state entropy: each state yields a symbol and says how many bits
 * choose the next state. Filled anew for each use.
 *
 * @see <a href="https://www.rfc-editor.org/rfc/rfc8878#section-4.1">RFC 8878, section 4.1</a>
 */
final class FseTable {

    /** The lowest accuracy that can be described. */
    static final int LEAST_ACCURACY = 5;

    private final int maxAccuracy;
    private final short[] probabilities;
    private final int[] next;
    private final byte[] symbols;
    private final byte[] bits;
    private final short[] bases;
    private int accuracy = -1;

    /**
     * @param maxAccuracy base-2 logarithm of the most states
     * @param maxSymbol the highest symbol
     */
    FseTable(int maxAccuracy, int maxSymbol) {
        this.maxAccuracy = maxAccuracy;
        this.probabilities = new short[maxSymbol + 1];
        this.next = new int[maxSymbol + 1];
        this.symbols = new byte[1 << maxAccuracy];
        this.bits = new byte[1 << maxAccuracy];
        this.bases = new short[1 << maxAccuracy];
    }

    /** Forgets what it holds. */
    void clear() {
        accuracy = -1;
    }

    boolean isEmpty() {
        return accuracy < 0;
    }

    /** Base-2 logarithm of the number of states: how many bits choose the first one. */
    int accuracy() {
        return accuracy;
    }

    int symbol(int state) {
        return symbols[state];
    }

    /** The state that follows one and takes its bits from a stream. */
    int next(int state, BackwardBits stream) {
        return bases[state] + stream.take(bits[state]);
    }

    /** Makes the table of one state, which needs no bits. */
    void setSingle(int symbol) throws DamagedException {
        DamagedException.unless(symbol < probabilities.length, "symbol out of range");
        accuracy = 0;
        symbols[0] = (byte) symbol;
        bits[0] = 0;
        bases[0] = 0;
    }

    /** Makes the table of known probabilities. */
    void set(int accuracy, short[] known) {
        System.arraycopy(known, 0, probabilities, 0, known.length);
        fill(accuracy, known.length);
    }

    /**
     * Reads probabilities and makes their table.
     *
     * @return the index after the last byte read
     */
    int read(byte[] bytes, int start, int end) throws DamagedException {
        var stream = new ForwardBits(bytes, start, end);
        int described = stream.take(4) + LEAST_ACCURACY;
        DamagedException.unless(described <= maxAccuracy, "accuracy out of range");
        int rest = 1 << described;
        int symbol = 0;
        while (rest > 0) {
            DamagedException.unless(symbol < probabilities.length, "too many symbols");
            int probability = takeProbability(stream, rest);
            probabilities[symbol++] = (short) probability;
            rest -= Math.abs(probability);
            if (probability == 0) {
                symbol = takeZeros(stream, symbol);
            }
        }
        int after = stream.alignedIndex();
        fill(described, symbol);
        return after;
    }

    /** Values that the rest leaves possible take one bit less when they are small. */
    private static int takeProbability(ForwardBits stream, int rest) throws DamagedException {
        int width = Integer.SIZE - Integer.numberOfLeadingZeros(rest + 1);
        int small = (1 << width) - 1 - (rest + 1);
        int value = stream.take(width - 1);
        if (value >= small) {
            value |= stream.take(1) << (width - 1);
            if (value >= 1 << (width - 1)) {
                value -= small;
            }
        }
        return value - 1;
    }

    private int takeZeros(ForwardBits stream, int from) throws DamagedException {
        int symbol = from;
        int repeat;
        do {
            repeat = stream.take(2);
            DamagedException.unless(symbol + repeat <= probabilities.length, "too many symbols");
            for (int i = 0; i < repeat; i++) {
                probabilities[symbol++] = 0;
            }
        } while (repeat == 3);
        return symbol;
    }

    private void fill(int accuracy, int used) {
        this.accuracy = accuracy;
        int size = 1 << accuracy;
        spread(probabilities, used, size, symbols);
        for (int symbol = 0; symbol < used; symbol++) {
            next[symbol] = Math.abs(probabilities[symbol]);
        }
        for (int i = 0; i < size; i++) {
            int order = next[symbols[i]]++;
            int width = accuracy - (Integer.SIZE - 1 - Integer.numberOfLeadingZeros(order));
            bits[i] = (byte) width;
            bases[i] = (short) ((order << width) - size);
        }
    }

    /**
     * Gives each symbol its states, spread over the table.
     *
     * @param probabilities how many states each gets; -1 stands for one at the table's end
     * @param used how many symbols there are
     * @param size how many states, a power of two
     * @param symbols receives the symbol of each state
     */
    static void spread(short[] probabilities, int used, int size, byte[] symbols) {
        int last = size - 1;
        for (int symbol = 0; symbol < used; symbol++) {
            if (probabilities[symbol] < 0) {
                symbols[last--] = (byte) symbol;
            }
        }
        int step = (size >> 1) + (size >> 3) + 3;
        int state = 0;
        for (int symbol = 0; symbol < used; symbol++) {
            for (int i = 0; i < probabilities[symbol]; i++) {
                symbols[state] = (byte) symbol;
                do {
                    state = (state + step) & (size - 1);
                } while (state > last);
            }
        }
    }
}
