package dev.gaur.codec;

import java.util.Arrays;

/**
 * Writes the blocks of a deflate stream, each in the shortest of the three forms.
 *
 * @see <a href="https://www.rfc-editor.org/rfc/rfc1951#section-3.2.3">RFC 1951, section 3.2.3</a>
 */
final class DeflateBlocks {

    private static final int STORED = 0;
    private static final int FIXED = 1;
    private static final int DYNAMIC = 2;
    private static final int STORED_MAX = 0xffff;

    private static final PrefixCode FIXED_LITERALS = fixedLiterals();
    private static final PrefixCode FIXED_DISTANCES = fixedDistances();

    private final BitWriter writer = new BitWriter();

    private static PrefixCode fixedLiterals() {
        var code = new PrefixCode(288);
        Arrays.fill(code.lengths, 0, 144, (byte) 8);
        Arrays.fill(code.lengths, 144, 256, (byte) 9);
        Arrays.fill(code.lengths, 256, 280, (byte) 7);
        Arrays.fill(code.lengths, 280, 288, (byte) 8);
        code.assign();
        return code;
    }

    private static PrefixCode fixedDistances() {
        var code = new PrefixCode(DeflateTokens.DISTANCES);
        Arrays.fill(code.lengths, (byte) 5);
        code.assign();
        return code;
    }

    /**
     * Starts a stream.
     *
     * @return where its bytes appear
     */
    BitWriter start(int limit) {
        writer.reset(limit);
        return writer;
    }

    /**
     * Writes one block.
     *
     * @param data what the tokens stand for: {@code length} bytes at {@code from}
     * @param last whether it ends the stream
     */
    void write(DeflateTokens tokens, byte[] data, int from, int length, boolean last) {
        int[] distanceCounts = atLeastTwo(tokens.distanceCounts);
        PrefixCode literals = PrefixCode.of(tokens.literalCounts, PrefixCode.LONGEST);
        PrefixCode distances = PrefixCode.of(distanceCounts, PrefixCode.LONGEST);
        var head = new CodeLengths(literals, distances);
        long dynamicCost =
                head.cost() + literals.cost(tokens.literalCounts) + distances.cost(distanceCounts);
        long fixedCost =
                FIXED_LITERALS.cost(tokens.literalCounts)
                        + FIXED_DISTANCES.cost(tokens.distanceCounts);
        long storedCost = 8L * length + 40L * (length / STORED_MAX + 1) - tokens.extraBits();
        if (storedCost < Math.min(fixedCost, dynamicCost)) {
            writeStored(data, from, length, last);
        } else if (fixedCost <= dynamicCost) {
            writeHead(FIXED, last);
            writeTokens(tokens, FIXED_LITERALS, FIXED_DISTANCES);
        } else {
            writeHead(DYNAMIC, last);
            head.write(writer);
            writeTokens(tokens, literals, distances);
        }
        if (last) {
            writer.align();
        }
    }

    /** Some readers do not take a code of less than two symbols, so zlib writes none either. */
    private static int[] atLeastTwo(int[] counts) {
        if (Arrays.stream(counts).filter(it -> it > 0).count() >= 2) {
            return counts;
        }
        int[] more = counts.clone();
        more[0]++;
        more[1]++;
        return more;
    }

    private void writeHead(int form, boolean last) {
        writer.put(last ? 1 : 0, 1);
        writer.put(form, 2);
    }

    private void writeStored(byte[] data, int from, int length, boolean last) {
        int at = 0;
        do {
            int part = Math.min(length - at, STORED_MAX);
            writeHead(STORED, last && at + part == length);
            writer.align();
            writer.put(part | (~part << Short.SIZE), Integer.SIZE);
            writer.align();
            writer.put(data, from + at, part);
            at += part;
        } while (at < length);
    }

    private void writeTokens(DeflateTokens tokens, PrefixCode literals, PrefixCode distances) {
        for (int i = 0; i < tokens.size(); i++) {
            int distance = tokens.distance(i);
            int value = tokens.value(i);
            if (distance == 0) {
                literals.write(writer, value);
                continue;
            }
            int symbol = DeflateTokens.lengthSymbol(value);
            int bits = DeflateTokens.lengthExtraBits(symbol);
            int extra = (value - DeflateTokens.SHORTEST_MATCH) & ((1 << bits) - 1);
            literals.write(writer, symbol, extra, bits);
            symbol = DeflateTokens.distanceSymbol(distance);
            bits = DeflateTokens.distanceExtraBits(symbol);
            extra = (distance - 1) & ((1 << bits) - 1);
            distances.write(writer, symbol, extra, bits);
        }
        literals.write(writer, DeflateTokens.END_OF_BLOCK);
    }
}
