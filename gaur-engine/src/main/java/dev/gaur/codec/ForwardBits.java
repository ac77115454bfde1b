package dev.gaur.codec;

/** Reads a bit stream of zstd from its start, least significant bit first. */
final class ForwardBits {

    private final byte[] bytes;
    private final int start;
    private final long size;
    private long position;

    ForwardBits(byte[] bytes, int start, int end) {
        this.bytes = bytes;
        this.start = start;
        this.size = (long) Byte.SIZE * (end - start);
    }

    /** Takes the next bits: few, and not often, so one by one. */
    int take(int width) throws DamagedException {
        DamagedException.unless(position + width <= size, "bit stream too short");
        int value = 0;
        for (int i = 0; i < width; i++) {
            int bit = (bytes[start + (int) (position >>> 3)] >>> (position & 7)) & 1;
            value |= bit << i;
            position++;
        }
        return value;
    }

    /** The index after the last byte of which a bit was taken. */
    int alignedIndex() {
        return start + (int) ((position + 7) >>> 3);
    }
}
