package dev.gaur.format.qcow2;

import dev.gaur.mem.Bytes;
import java.lang.foreign.MemorySegment;

/**
 * Counts in a refcount block as they lie in the file: big-endian numbers; those smaller than a byte
 * from its lowest bit on. Static.
 *
 * <p>Source: the specification, "Host cluster management".
 */
final class RefcountBlock {
    /** Bits 9-63 of a refcount table entry: where the block is. */
    static final long OFFSET_MASK = -512L;

    /** Bits of a refcount table entry that must be zero. */
    static final long RESERVED = 511;

    private static final int BYTE_ORDER = 3;

    private RefcountBlock() {}

    /** Returns the {@code index}th count of {@code 1 << order} bits, as an unsigned number. */
    static long get(MemorySegment block, int order, int index) {
        return switch (order) {
            case 0, 1, 2 -> {
                int bit = index << order;
                int value = Bytes.u8(block, bit >>> BYTE_ORDER);
                yield value >>> (bit & 7) & (1 << (1 << order)) - 1;
            }
            case BYTE_ORDER -> Bytes.u8(block, index);
            case 4 -> Bytes.u16(block, (long) index << 1);
            case 5 -> Bytes.u32(block, (long) index << 2);
            case 6 -> Bytes.u64(block, (long) index << 3);
            default -> throw new AssertionError("refcount order " + order);
        };
    }

    /** Stores the {@code index}th count of {@code 1 << order} bits; it must fit. */
    static void set(MemorySegment block, int order, int index, long count) {
        switch (order) {
            case 0, 1, 2 -> {
                int bit = index << order;
                int mask = ((1 << (1 << order)) - 1) << (bit & 7);
                int others = Bytes.u8(block, bit >>> BYTE_ORDER) & ~mask;
                Bytes.putU8(block, bit >>> BYTE_ORDER, others | (int) count << (bit & 7));
            }
            case BYTE_ORDER -> Bytes.putU8(block, index, (int) count);
            case 4 -> Bytes.putU16(block, (long) index << 1, (int) count);
            case 5 -> Bytes.putU32(block, (long) index << 2, count);
            case 6 -> Bytes.putU64(block, (long) index << 3, count);
            default -> throw new AssertionError("refcount order " + order);
        }
    }
}
