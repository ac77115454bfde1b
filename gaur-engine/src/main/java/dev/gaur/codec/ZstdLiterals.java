package dev.gaur.codec;

import java.util.Arrays;

/**
 * Reads the literals of a compressed block.
 *
 * @see <a href="https://www.rfc-editor.org/rfc/rfc8878#section-3.1.1.3.1">RFC 8878, section
 *     3.1.1.3.1</a>
 */
final class ZstdLiterals {

    static final int RAW = 0;
    static final int REPEATED = 1;
    static final int COMPRESSED = 2;
    static final int SAME_CODE = 3;

    private static final int STREAMS = 4;

    private final ZstdHuffman code = new ZstdHuffman();
    private final byte[] bytes = new byte[ZstdCodes.MAX_BLOCK];
    private int size;

    /** Starts a frame. */
    void reset() {
        code.clear();
    }

    byte[] bytes() {
        return bytes;
    }

    int size() {
        return size;
    }

    /**
     * Reads the section.
     *
     * @return the index after its last byte
     */
    int read(byte[] source, int start, int end) throws DamagedException {
        DamagedException.unless(start < end, "no literals");
        int form = source[start] & 3;
        return switch (form) {
            case RAW, REPEATED -> readPlain(source, start, end, form);
            default -> readCoded(source, start, end, form);
        };
    }

    private int readPlain(byte[] source, int start, int end, int form) throws DamagedException {
        int sizeFormat = (source[start] >>> 2) & 3;
        int headLength = sizeFormat == 3 ? 3 : sizeFormat == 1 ? 2 : 1;
        long head = littleEndian(source, start, end, headLength);
        size = (int) (head >>> (headLength == 1 ? 3 : 4));
        DamagedException.unless(size <= bytes.length, "too many literals");
        int at = start + headLength;
        int stored = form == RAW ? size : 1;
        DamagedException.unless(stored <= end - at, "literals cut off");
        if (form == RAW) {
            System.arraycopy(source, at, bytes, 0, size);
        } else {
            Arrays.fill(bytes, 0, size, source[at]);
        }
        return at + stored;
    }

    private int readCoded(byte[] source, int start, int end, int form) throws DamagedException {
        int sizeFormat = (source[start] >>> 2) & 3;
        int headLength = Math.max(3, sizeFormat + 2);
        int sizeBits = sizeFormat < 2 ? 10 : sizeFormat == 2 ? 14 : 18;
        long head = littleEndian(source, start, end, headLength) >>> 4;
        size = (int) (head & ((1 << sizeBits) - 1));
        int coded = (int) (head >>> sizeBits);
        DamagedException.unless(size <= bytes.length, "too many literals");
        int at = start + headLength;
        DamagedException.unless(coded <= end - at, "literals cut off");
        int after = at + coded;
        if (form == COMPRESSED) {
            at = code.read(source, at, after);
        }
        DamagedException.unless(!code.isEmpty(), "no Huffman code to use again");
        if (sizeFormat == 0) {
            code.decode(source, at, after, bytes, 0, size);
        } else {
            readStreams(source, at, after);
        }
        return after;
    }

    /** Four streams, each but the last with its length up front. */
    private void readStreams(byte[] source, int start, int end) throws DamagedException {
        int part = (size + STREAMS - 1) / STREAMS;
        int at = start + 2 * (STREAMS - 1);
        DamagedException.unless(part * (STREAMS - 1) <= size && at <= end, "too few literals");
        for (int stream = 0; stream < STREAMS; stream++) {
            boolean last = stream == STREAMS - 1;
            long length = last ? end - at : littleEndian(source, start + 2 * stream, end, 2);
            DamagedException.unless(length <= end - at, "literals cut off");
            int to = last ? size : part * (stream + 1);
            code.decode(source, at, at + (int) length, bytes, part * stream, to);
            at += (int) length;
        }
    }

    /** A number of up to eight bytes. */
    static long littleEndian(byte[] source, int start, int end, int length)
            throws DamagedException {
        DamagedException.unless(length <= end - start, "number cut off");
        long value = 0;
        for (int i = length - 1; i >= 0; i--) {
            value = (value << Byte.SIZE) | Byte.toUnsignedInt(source[start + i]);
        }
        return value;
    }
}
