package dev.gaur.codec;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * Zstandard in Java, where libzstd is not to be had: one frame per cluster, with content size and
 * without checksum, as QEMU writes them.
 *
 * @see <a href="https://www.rfc-editor.org/rfc/rfc8878">RFC 8878</a>
 */
final class JavaZstdEncoder implements ClusterEncoder {

    private static final int RAW = 0;
    private static final int REPEATED = 1;
    private static final int COMPRESSED = 2;
    private static final int BLOCK_HEAD = 3;

    private static final int WINDOW_BITS = 17;
    private static final int SHORTEST = 4;

    /** A match this long is taken without looking for a better one. */
    private static final int ENOUGH = 64;

    private final int steps;
    private final MatchFinder matches = new MatchFinder(WINDOW_BITS, SHORTEST);
    private final ZstdBlockWriter block = new ZstdBlockWriter();
    private final ZstdRecentDistances recent = new ZstdRecentDistances();
    private final ZstdRecentDistances recentBefore = new ZstdRecentDistances();
    private final BitWriter writer = new BitWriter();
    private byte[] data = {};
    private int length;
    private int distance;

    JavaZstdEncoder(int level) {
        this.steps = 2 << (level / 2);
    }

    @Override
    public int encode(MemorySegment source, MemorySegment target) {
        int size = Math.toIntExact(source.byteSize());
        if (data.length < size + MatchFinder.SLACK) {
            data = new byte[size + MatchFinder.SLACK];
        }
        MemorySegment.copy(source, ValueLayout.JAVA_BYTE, 0, data, 0, size);
        writer.reset((int) Math.min(target.byteSize(), size - 1));
        matches.reset(data, size);
        recent.reset();
        writer.put(ZstdFrames.MAGIC, Integer.SIZE);
        writer.put(ZstdFrames.Descriptor.SINGLE_SEGMENT | (2 << 6), Byte.SIZE);
        writer.put(size, Integer.SIZE);
        writer.align();
        for (int at = 0; at < size && !writer.isFull(); at += ZstdCodes.MAX_BLOCK) {
            int end = Math.min(size, at + ZstdCodes.MAX_BLOCK);
            writeBlock(at, end, end == size);
        }
        if (writer.isFull()) {
            return -1;
        }
        MemorySegment.copy(writer.bytes(), 0, target, ValueLayout.JAVA_BYTE, 0, writer.length());
        return writer.length();
    }

    private void writeBlock(int start, int end, boolean last) {
        int head = writer.length();
        int size = end - start;
        writer.skip(BLOCK_HEAD);
        if (matches.lengthAt(start + 1, 1, size - 1) == size - 1) {
            writer.put(data, start, 1);
            writeHead(head, REPEATED, size, last);
            return;
        }
        recentBefore.copyFrom(recent);
        collect(start, end);
        block.write(writer);
        int coded = writer.length() - head - BLOCK_HEAD;
        if (coded < size) {
            writeHead(head, COMPRESSED, coded, last);
        } else {
            recent.copyFrom(recentBefore); // the reader will not see this block's sequences
            writer.truncate(head + BLOCK_HEAD);
            writer.put(data, start, size);
            writeHead(head, RAW, size, last);
        }
    }

    private void writeHead(int at, int form, int size, boolean last) {
        writer.patch(at, (size << 3) | (form << 1) | (last ? 1 : 0), BLOCK_HEAD);
    }

    /** Takes a match unless a longer one begins at the next byte. */
    private void collect(int start, int end) {
        block.clear();
        int literals = start;
        int position = start;
        while (position < end) {
            if (!find(position, 0, end)) {
                position++;
                continue;
            }
            int matchLength = length;
            int matchDistance = distance;
            while (matchLength < ENOUGH && find(position + 1, matchLength, end)) {
                position++;
                matchLength = length;
                matchDistance = distance;
            }
            int run = position - literals;
            block.addLiterals(data, literals, run);
            block.addSequence(run, matchLength, recent.offset(matchDistance, run));
            position += matchLength;
            literals = position;
        }
        block.addLiterals(data, literals, end - literals);
    }

    /** Looks for a match, first at the distance that costs least. */
    private boolean find(int position, int longerThan, int end) {
        int longest = end - position;
        int newest = recent.newest();
        int least = Math.max(longerThan + 1, SHORTEST);
        if (newest <= position && longest >= least) {
            length = matches.lengthAt(position, newest, longest);
            if (length >= least) {
                distance = newest;
                return true;
            }
        }
        boolean found = matches.find(position, longerThan, longest, ENOUGH, steps);
        length = matches.length();
        distance = matches.distance();
        return found;
    }

    @Override
    public void close() {
        // only Java objects
    }
}
