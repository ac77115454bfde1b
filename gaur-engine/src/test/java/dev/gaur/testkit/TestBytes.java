package dev.gaur.testkit;

import dev.gaur.block.BlockIo;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.Random;

/** Bytes to fill disks with. */
public final class TestBytes {
    private static final int PIECE = 4096;

    private TestBytes() {}

    /** Random bytes with runs of zeros, some of them whole 4 KiB blocks. */
    public static byte[] patchy(Random random, int size) {
        byte[] bytes = new byte[size];
        random.nextBytes(bytes);
        for (int at = 0; at < size; at += PIECE) {
            if (random.nextInt(3) == 0) {
                Arrays.fill(bytes, at, Math.min(size, at + PIECE), (byte) 0);
            }
        }
        return bytes;
    }

    /** What {@code io} has from {@code offset} on, read into an array: takes less time. */
    public static byte[] readArray(BlockIo io, long offset, int size) {
        byte[] bytes = new byte[size];
        Arrays.fill(bytes, (byte) 0x55);
        io.read(offset, MemorySegment.ofArray(bytes));
        return bytes;
    }

    /** What {@code io} has from {@code offset} on, read through a native buffer. */
    public static byte[] read(BlockIo io, long offset, int size) {
        try (Arena arena = Arena.ofShared()) {
            MemorySegment buffer = arena.allocate(Math.max(size, 1)).asSlice(0, size);
            buffer.fill((byte) 0x55);
            io.read(offset, buffer);
            return buffer.toArray(ValueLayout.JAVA_BYTE);
        }
    }
}
