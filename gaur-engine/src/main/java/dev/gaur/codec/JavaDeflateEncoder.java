package dev.gaur.codec;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * Deflate in Java: matches within 4 KiB, taken lazily. The JDK's deflater has no choice of a
 * window; zlib through native calls has, but is slower than this and not better.
 */
final class JavaDeflateEncoder implements ClusterEncoder {

    /**
     * How hard to look for matches.
     *
     * @param good a match this long makes the search for a better one at the next byte short
     * @param lazy a match this long is taken without looking for a better one
     * @param enough a match this long ends the search
     * @param steps how many candidates to look at
     */
    private record Effort(int good, int lazy, int enough, int steps) {}

    /** By level; the sixth gives output as long as that of zlib's sixth. */
    private static final Effort[] EFFORTS = {
        new Effort(4, 4, 8, 2),
        new Effort(4, 4, 8, 4),
        new Effort(4, 5, 16, 8),
        new Effort(4, 6, 32, 12),
        new Effort(4, 8, 32, 16),
        new Effort(8, 16, 32, 24),
        new Effort(8, 16, 128, 128),
        new Effort(8, 32, 128, 256),
        new Effort(32, 258, 258, 4096),
    };

    private static final int WINDOW_BITS = 12;

    private final Effort effort;
    private final MatchFinder matches = new MatchFinder(WINDOW_BITS, DeflateTokens.SHORTEST_MATCH);
    private final DeflateTokens tokens = new DeflateTokens();
    private final DeflateBlocks blocks = new DeflateBlocks();
    private byte[] data = {};
    private int blockStart;

    JavaDeflateEncoder(int level) {
        this.effort = EFFORTS[level - 1];
    }

    @Override
    public int encode(MemorySegment source, MemorySegment target) {
        int size = Math.toIntExact(source.byteSize());
        if (data.length < size + MatchFinder.SLACK) {
            data = new byte[size + MatchFinder.SLACK];
        }
        MemorySegment.copy(source, ValueLayout.JAVA_BYTE, 0, data, 0, size);
        int room = (int) Math.min(target.byteSize(), size - 1);
        BitWriter writer = blocks.start(room);
        tokens.clear();
        blockStart = 0;
        compress(size, writer);
        if (writer.isFull()) {
            return -1;
        }
        MemorySegment.copy(writer.bytes(), 0, target, ValueLayout.JAVA_BYTE, 0, writer.length());
        return writer.length();
    }

    /**
     * A match is held back for one byte: if a longer one begins there, a literal takes its place.
     */
    private void compress(int size, BitWriter writer) {
        matches.reset(data, size);
        int heldLength = 0;
        int heldDistance = 0;
        boolean held = false; // whether the byte before has no token yet
        int position = 0;
        while (position < size && !writer.isFull()) {
            boolean better = findBetter(position, heldLength);
            if (heldLength > 0 && !better) {
                makeRoom(position - 1);
                tokens.addMatch(heldLength, heldDistance);
                position += heldLength - 1;
                held = false;
                heldLength = 0;
            } else {
                if (held) {
                    addLiteral(position - 1);
                }
                held = true;
                heldLength = better ? matches.length() : 0;
                heldDistance = matches.distance();
                position++;
            }
        }
        if (held) {
            addLiteral(size - 1);
        }
        blocks.write(tokens, data, blockStart, size - blockStart, true);
    }

    private boolean findBetter(int position, int than) {
        if (than >= effort.lazy()) {
            return false;
        }
        int steps = than >= effort.good() ? effort.steps() / 4 : effort.steps();
        return matches.find(position, than, DeflateTokens.LONGEST_MATCH, effort.enough(), steps);
    }

    private void addLiteral(int position) {
        makeRoom(position);
        tokens.addLiteral(Byte.toUnsignedInt(data[position]));
    }

    /** Writes a block if the tokens before a position fill one. */
    private void makeRoom(int position) {
        if (tokens.isFull()) {
            blocks.write(tokens, data, blockStart, position - blockStart, false);
            tokens.clear();
            blockStart = position;
        }
    }

    @Override
    public void close() {
        // only Java objects
    }
}
