package dev.gaur.codec;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;

/**
 * Reads a bit stream of zstd from its end to its start. The highest set bit of the last byte only
 * marks the end.
 *
 * @see <a href="https://www.rfc-editor.org/rfc/rfc8878#section-4.1">RFC 8878, section 4.1</a>
 */
final class BackwardBits {

    /** How many bytes after the stream's end must be readable in its array. */
    static final int SLACK = Long.BYTES;

    private static final VarHandle LONGS =
            MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);

    private byte[] bytes = {};
    private int start;
    private long left;

    /** Turns to the bytes from {@code start} to {@code end}. */
    void reset(byte[] bytes, int start, int end) throws DamagedException {
        DamagedException.unless(end > start && bytes[end - 1] != 0, "bit stream without end mark");
        int mark = Integer.numberOfLeadingZeros(Byte.toUnsignedInt(bytes[end - 1])) - 23;
        this.bytes = bytes;
        this.start = start;
        this.left = (long) Byte.SIZE * (end - start) - mark;
    }

    /**
     * Looks at the next bits without taking them; before the stream's start there are zeros.
     *
     * @param width 0 to 32
     */
    int peek(int width) {
        long from = left - width;
        if (from >= 0) {
            return (int) (at(from) & ((1L << width) - 1));
        }
        return left <= 0 ? 0 : (int) ((at(0) & ((1L << left) - 1)) << -from);
    }

    private long at(long bit) {
        return (long) LONGS.get(bytes, start + (int) (bit >>> 3)) >>> (bit & 7);
    }

    /** Takes bits, perhaps more than there are. */
    void skip(int width) {
        left -= width;
    }

    /** Takes the next bits: {@link #peek}, then {@link #skip}. */
    int take(int width) {
        int value = peek(width);
        left -= width;
        return value;
    }

    /** How many bits are left; negative when more were taken than there were. */
    long left() {
        return left;
    }
}
