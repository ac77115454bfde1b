package dev.gaur.codec;

/**
 * Reads the sequences of a compressed block and carries them out: copy some literals, then repeat
 * what was written a certain distance before.
 *
 * @see <a href="https://www.rfc-editor.org/rfc/rfc8878#section-3.1.1.3.2">RFC 8878, sections
 *     3.1.1.3.2 and 3.1.1.4</a>
 */
final class ZstdSequences {

    static final int DEFAULT = 0;
    static final int SINGLE = 1;
    static final int DESCRIBED = 2;
    static final int SAME = 3;

    /** A count from this on takes three bytes. */
    static final int LARGE_COUNT = 0x7f00;

    private final FseTable literalsTable =
            new FseTable(ZstdCodes.LITERALS_MAX_ACCURACY, ZstdCodes.LITERALS_MAX_SYMBOL);
    private final FseTable offsetsTable =
            new FseTable(ZstdCodes.OFFSETS_MAX_ACCURACY, ZstdCodes.OFFSETS_MAX_SYMBOL);
    private final FseTable matchesTable =
            new FseTable(ZstdCodes.MATCHES_MAX_ACCURACY, ZstdCodes.MATCHES_MAX_SYMBOL);
    private final BackwardBits stream = new BackwardBits();

    private final ZstdRecentDistances recent = new ZstdRecentDistances();

    private int index;

    /** Starts a frame. */
    void reset() {
        literalsTable.clear();
        offsetsTable.clear();
        matchesTable.clear();
        recent.reset();
    }

    /** Reads the section that fills the rest of a block and writes the block's data. */
    void execute(byte[] source, int start, int end, ZstdLiterals literals, ZstdOutput output)
            throws DamagedException {
        int count = readCount(source, start, end);
        int used = 0;
        if (count > 0) {
            readTables(source, end);
            stream.reset(source, index, end);
            used = execute(count, literals, output);
            DamagedException.unless(stream.left() == 0, "sequences do not fill their stream");
        } else {
            DamagedException.unless(index == end, "bytes after no sequences");
        }
        output.append(literals.bytes(), used, literals.size() - used);
    }

    private int readCount(byte[] source, int start, int end) throws DamagedException {
        int first = (int) ZstdLiterals.littleEndian(source, start, end, 1);
        int length = first < 128 ? 1 : first < 255 ? 2 : 3;
        int all = (int) ZstdLiterals.littleEndian(source, start, end, length) >>> Byte.SIZE;
        index = start + length;
        return switch (length) {
            case 1 -> first;
            case 2 -> ((first - 128) << Byte.SIZE) + all;
            default -> all + LARGE_COUNT;
        };
    }

    private void readTables(byte[] source, int end) throws DamagedException {
        int modes = (int) ZstdLiterals.littleEndian(source, index++, end, 1);
        DamagedException.unless((modes & 3) == 0, "reserved mode bits set");
        readTable(
                literalsTable,
                modes >>> 6,
                source,
                end,
                ZstdCodes.LITERALS_DEFAULT_ACCURACY,
                ZstdCodes.LITERALS_DEFAULT);
        readTable(
                offsetsTable,
                (modes >>> 4) & 3,
                source,
                end,
                ZstdCodes.OFFSETS_DEFAULT_ACCURACY,
                ZstdCodes.OFFSETS_DEFAULT);
        readTable(
                matchesTable,
                (modes >>> 2) & 3,
                source,
                end,
                ZstdCodes.MATCHES_DEFAULT_ACCURACY,
                ZstdCodes.MATCHES_DEFAULT);
    }

    private void readTable(
            FseTable table, int mode, byte[] source, int end, int accuracy, short[] known)
            throws DamagedException {
        switch (mode) {
            case DEFAULT -> table.set(accuracy, known);
            case SINGLE ->
                    table.setSingle((int) ZstdLiterals.littleEndian(source, index++, end, 1));
            case DESCRIBED -> index = table.read(source, index, end);
            default -> DamagedException.unless(!table.isEmpty(), "no table to use again");
        }
    }

    /** Returns how many literals were used. */
    private int execute(int count, ZstdLiterals literals, ZstdOutput output)
            throws DamagedException {
        int literalsState = stream.take(literalsTable.accuracy());
        int offsetsState = stream.take(offsetsTable.accuracy());
        int matchesState = stream.take(matchesTable.accuracy());
        int used = 0;
        for (int i = 0; i < count; i++) {
            int offsetSymbol = offsetsTable.symbol(offsetsState);
            int matchSymbol = matchesTable.symbol(matchesState);
            int literalsSymbol = literalsTable.symbol(literalsState);
            long offset = (1L << offsetSymbol) + Integer.toUnsignedLong(stream.take(offsetSymbol));
            int match =
                    ZstdCodes.MATCHES_BASE[matchSymbol]
                            + stream.take(ZstdCodes.MATCHES_BITS[matchSymbol]);
            int run =
                    ZstdCodes.LITERALS_BASE[literalsSymbol]
                            + stream.take(ZstdCodes.LITERALS_BITS[literalsSymbol]);
            DamagedException.unless(run <= literals.size() - used, "too few literals");
            output.append(literals.bytes(), used, run);
            output.repeat(recent.distance(offset, run), match);
            used += run;
            if (i < count - 1) {
                literalsState = literalsTable.next(literalsState, stream);
                matchesState = matchesTable.next(matchesState, stream);
                offsetsState = offsetsTable.next(offsetsState, stream);
            }
        }
        return used;
    }
}
