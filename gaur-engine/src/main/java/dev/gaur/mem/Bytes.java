package dev.gaur.mem;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * Big-endian access to unaligned bytes, and the search for zeros. All offsets are bytes from the
 * start of the segment; a place outside the segment is an {@link IndexOutOfBoundsException}.
 */
public final class Bytes {
    private static final ValueLayout.OfLong BE64 =
            ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.BIG_ENDIAN);

    private static final MemorySegment ZEROS =
            MemorySegment.ofArray(new byte[64 << 10]).asReadOnly();

    private Bytes() {}

    /** Returns the unsigned byte at {@code offset}. */
    public static int u8(MemorySegment segment, long offset) {
        return Byte.toUnsignedInt(bytes(segment).get(Math.toIntExact(offset)));
    }

    /** Returns the unsigned big-endian 16-bit number at {@code offset}. */
    public static int u16(MemorySegment segment, long offset) {
        return Short.toUnsignedInt(bytes(segment).getShort(Math.toIntExact(offset)));
    }

    /** Returns the unsigned big-endian 32-bit number at {@code offset}. */
    public static long u32(MemorySegment segment, long offset) {
        return Integer.toUnsignedLong(bytes(segment).getInt(Math.toIntExact(offset)));
    }

    /** Returns the big-endian 64-bit number at {@code offset}; may look negative. */
    public static long u64(MemorySegment segment, long offset) {
        return bytes(segment).getLong(Math.toIntExact(offset));
    }

    /**
     * The first access to a segment through a layout links var handles, which takes as long as all
     * else that {@code gaur info} does; a byte buffer, big-endian by itself, needs none.
     */
    private static ByteBuffer bytes(MemorySegment segment) {
        return segment.asByteBuffer();
    }

    /** Stores the low 8 bits of {@code value}. */
    public static void putU8(MemorySegment segment, long offset, int value) {
        bytes(segment).put(Math.toIntExact(offset), (byte) value);
    }

    /** Stores the low 16 bits of {@code value}, big-endian. */
    public static void putU16(MemorySegment segment, long offset, int value) {
        bytes(segment).putShort(Math.toIntExact(offset), (short) value);
    }

    /** Stores the low 32 bits of {@code value}, big-endian. */
    public static void putU32(MemorySegment segment, long offset, long value) {
        bytes(segment).putInt(Math.toIntExact(offset), (int) value);
    }

    /** Stores {@code value}, big-endian. */
    public static void putU64(MemorySegment segment, long offset, long value) {
        bytes(segment).putLong(Math.toIntExact(offset), value);
    }

    /** Copies {@code count} big-endian 64-bit numbers from {@code offset} on into an array. */
    public static void copyU64(
            MemorySegment segment, long offset, long[] target, int targetIndex, int count) {
        MemorySegment.copy(segment, BE64, offset, target, targetIndex, count);
    }

    /**
     * Stores {@code count} numbers of an array as big-endian 64-bit ones, from {@code offset} on.
     */
    public static void putU64(
            MemorySegment segment, long offset, long[] source, int sourceIndex, int count) {
        MemorySegment.copy(source, sourceIndex, segment, BE64, offset, count);
    }

    /** Tells whether every byte of the segment is zero; an empty segment is. */
    public static boolean isZero(MemorySegment segment) {
        return isZero(segment, 0, segment.byteSize());
    }

    /** Tells whether {@code length} bytes from {@code offset} on are all zero. */
    public static boolean isZero(MemorySegment segment, long offset, long length) {
        if (length >= Long.BYTES && bytes(segment).getLong(Math.toIntExact(offset)) != 0) {
            return false; // Nearly always, where there is data.
        }
        long end = offset + length;
        for (long at = offset; at < end; at += ZEROS.byteSize()) {
            long part = Math.min(end - at, ZEROS.byteSize());
            // One call of the JVM's own code, which is fast before anything here is compiled.
            if (MemorySegment.mismatch(segment, at, at + part, ZEROS, 0, part) >= 0) {
                return false;
            }
        }
        return true;
    }
}
