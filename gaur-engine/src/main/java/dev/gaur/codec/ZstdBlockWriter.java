package dev.gaur.codec;

/**
 * Collects the literals and sequences of one block and writes them.
 *
 * @see <a href="https://www.rfc-editor.org/rfc/rfc8878#section-3.1.1.3">RFC 8878, section
 *     3.1.1.3</a>
 */
final class ZstdBlockWriter {

    private static final int MAX_SEQUENCES = ZstdCodes.MAX_BLOCK / ZstdCodes.SHORTEST_MATCH + 1;

    /** Literals fewer than this make one stream, else four. */
    private static final int ONE_STREAM = 256;

    private static final int STREAMS = 4;

    private final byte[] literals = new byte[ZstdCodes.MAX_BLOCK];
    private int literalsSize;

    private int size;

    private final ZstdSequenceCoder runCoder =
            new ZstdSequenceCoder(
                    MAX_SEQUENCES,
                    ZstdCodes.LITERALS_BASE,
                    ZstdCodes.LITERALS_BITS,
                    ZstdCodes.LITERALS_DEFAULT,
                    ZstdCodes.LITERALS_DEFAULT_ACCURACY,
                    ZstdCodes.LITERALS_MAX_ACCURACY);
    private final ZstdSequenceCoder matchCoder =
            new ZstdSequenceCoder(
                    MAX_SEQUENCES,
                    ZstdCodes.MATCHES_BASE,
                    ZstdCodes.MATCHES_BITS,
                    ZstdCodes.MATCHES_DEFAULT,
                    ZstdCodes.MATCHES_DEFAULT_ACCURACY,
                    ZstdCodes.MATCHES_MAX_ACCURACY);
    private final ZstdSequenceCoder offsetCoder =
            new ZstdSequenceCoder(
                    MAX_SEQUENCES,
                    ZstdCodes.OFFSETS_BASE,
                    ZstdCodes.OFFSETS_BITS,
                    ZstdCodes.OFFSETS_DEFAULT,
                    ZstdCodes.OFFSETS_DEFAULT_ACCURACY,
                    ZstdCodes.OFFSETS_MAX_ACCURACY);

    void clear() {
        literalsSize = 0;
        size = 0;
    }

    void addLiterals(byte[] data, int from, int length) {
        System.arraycopy(data, from, literals, literalsSize, length);
        literalsSize += length;
    }

    /** Adds a sequence; its literals were added before. */
    void addSequence(int run, int match, int offset) {
        runCoder.set(size, run);
        matchCoder.set(size, match);
        offsetCoder.set(size, offset);
        size++;
    }

    /** Writes the block's two sections; starts and ends aligned. */
    void write(BitWriter writer) {
        int start = writer.length();
        if (!writeCodedLiterals(writer)) {
            writer.truncate(start);
            writeLiteralsHead(writer, ZstdLiterals.RAW);
            writer.put(literals, 0, literalsSize);
        }
        writeCount(writer);
        if (size > 0) {
            writeSequences(writer);
        }
    }

    private void writeLiteralsHead(BitWriter writer, int form) {
        if (literalsSize < 1 << 5) {
            writer.put(form | (literalsSize << 3), 8);
        } else if (literalsSize < 1 << 12) {
            writer.put(form | (1 << 2) | (literalsSize << 4), 16);
        } else {
            writer.put(form | (3 << 2) | (literalsSize << 4), 24);
        }
        writer.align();
    }

    /** Returns false when the literals are better left alone. */
    private boolean writeCodedLiterals(BitWriter writer) {
        int[] counts = new int[1 << Byte.SIZE];
        int kinds = 0;
        for (int i = 0; i < literalsSize; i++) {
            kinds += counts[Byte.toUnsignedInt(literals[i])]++ == 0 ? 1 : 0;
        }
        if (kinds == 1 && literalsSize > 2) {
            writeLiteralsHead(writer, ZstdLiterals.REPEATED);
            writer.put(literals, 0, 1);
            return true;
        }
        if (kinds < 2) {
            return false;
        }
        var code = new ZstdHuffmanEncoder(counts);
        if (code.cost(counts) / Byte.SIZE > literalsSize - literalsSize / 32 - 12) {
            return false;
        }
        int head = writer.length();
        int sizeFormat = literalsSize < ONE_STREAM ? 0 : literalsSize < 1 << 10 ? 1 : 2;
        sizeFormat = literalsSize < 1 << 14 ? sizeFormat : 3;
        int headLength = Math.max(3, sizeFormat + 2);
        writer.skip(headLength);
        if (!code.writeDescription(writer)) {
            return false;
        }
        writeStreams(writer, code, sizeFormat == 0 ? 1 : STREAMS);
        int coded = writer.length() - head - headLength;
        int sizeBits = sizeFormat < 2 ? 10 : sizeFormat == 2 ? 14 : 18;
        long sizes = literalsSize | ((long) coded << sizeBits);
        writer.patch(head, ZstdLiterals.COMPRESSED | (sizeFormat << 2) | (sizes << 4), headLength);
        return coded < literalsSize;
    }

    private void writeStreams(BitWriter writer, ZstdHuffmanEncoder code, int streams) {
        int lengths = writer.length();
        writer.skip(2 * (streams - 1));
        int part = (literalsSize + streams - 1) / streams;
        for (int stream = 0; stream < streams; stream++) {
            boolean last = stream == streams - 1;
            int start = writer.length();
            int to = last ? literalsSize : part * (stream + 1);
            code.writeStream(writer, literals, part * stream, to);
            if (!last) {
                writer.patch(lengths + 2 * stream, writer.length() - start, 2);
            }
        }
    }

    private void writeCount(BitWriter writer) {
        if (size < 128) {
            writer.put(size, 8);
        } else if (size < ZstdSequences.LARGE_COUNT) {
            writer.put((size >>> Byte.SIZE) + 128, 8);
            writer.put(size & 0xff, 8);
        } else {
            writer.put(255, 8);
            writer.put(size - ZstdSequences.LARGE_COUNT, 16);
        }
        writer.align();
    }

    /** The reader goes backwards, so the last sequence comes first, and in it the last field. */
    private void writeSequences(BitWriter writer) {
        int modes = writer.length();
        writer.skip(1);
        int runMode = runCoder.prepare(size, writer);
        int offsetMode = offsetCoder.prepare(size, writer);
        int matchMode = matchCoder.prepare(size, writer);
        writer.patch(modes, (runMode << 6) | (offsetMode << 4) | (matchMode << 2), 1);
        for (int i = size - 1; i >= 0; i--) {
            offsetCoder.writeState(writer, i);
            matchCoder.writeState(writer, i);
            runCoder.writeState(writer, i);
            runCoder.writeExtra(writer, i);
            matchCoder.writeExtra(writer, i);
            offsetCoder.writeExtra(writer, i);
        }
        matchCoder.finish(writer);
        offsetCoder.finish(writer);
        runCoder.finish(writer);
        writer.endBackward();
    }
}
