package dev.gaur.codec;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;

/**
 * Writes numbers of any bit width into an array, least significant bit first, as deflate and zstd
 * both want it. Writing past the limit is allowed and does nothing but set {@link #isFull}.
 */
final class BitWriter {

    private static final VarHandle INTS =
            MethodHandles.byteArrayViewVarHandle(int[].class, ByteOrder.LITTLE_ENDIAN);

    private byte[] bytes = {};
    private int limit;
    private int position;
    private long pending;
    private int pendingBits;

    /**
     * Starts anew.
     *
     * @param limit how many bytes may be written
     */
    void reset(int limit) {
        if (bytes.length < limit + Integer.BYTES) {
            bytes = new byte[limit + Integer.BYTES];
        }
        this.limit = limit;
        this.position = 0;
        this.pending = 0;
        this.pendingBits = 0;
    }

    /**
     * Appends the low bits of a value.
     *
     * @param value must have no other bits set
     * @param width 0 to 32
     */
    void put(int value, int width) {
        pending |= Integer.toUnsignedLong(value) << pendingBits;
        pendingBits += width;
        if (pendingBits >= Integer.SIZE) {
            flush();
        }
    }

    private void flush() {
        if (!isFull()) {
            INTS.set(bytes, position, (int) pending); // up to one int of slack after the limit
            position += Integer.BYTES;
        }
        pending >>>= Integer.SIZE;
        pendingBits -= Integer.SIZE;
    }

    /** Fills the last byte with zero bits. */
    void align() {
        int bytesPending = (pendingBits + 7) / Byte.SIZE;
        if (!isFull()) {
            INTS.set(bytes, position, (int) pending);
            position += bytesPending;
        }
        pending = 0;
        pendingBits = 0;
    }

    /** Appends whole bytes; the position must be aligned. */
    void put(byte[] source, int from, int length) {
        if (length > limit - position) {
            position = limit + 1;
            return;
        }
        System.arraycopy(source, from, bytes, position, length);
        position += length;
    }

    /** Leaves room for a number; the position must be aligned. */
    void skip(int length) {
        position += length;
    }

    /** Writes a number of up to eight bytes at an earlier position. */
    void patch(int at, long value, int length) {
        for (int i = 0; i < length && !isFull(); i++) {
            bytes[at + i] = (byte) (value >>> (Byte.SIZE * i));
        }
    }

    /** Takes back all bytes after an earlier position; the position must be aligned. */
    void truncate(int at) {
        position = at;
    }

    /** Ends a stream that is read backwards: with a set bit, then zeros. */
    void endBackward() {
        put(1, 1);
        align();
    }

    /** Whether more was written than allowed. */
    boolean isFull() {
        return position > limit;
    }

    /** How many bytes were written; a byte that was begun is not counted. */
    int length() {
        return position;
    }

    /** The bytes written so far, from the start of the array. */
    byte[] bytes() {
        return bytes;
    }
}
