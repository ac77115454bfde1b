package dev.gaur.verify.engine;

import dev.gaur.block.ZeroMode;
import java.util.Random;

/** One operation on a disk. What lies beyond the end of the disk is left out when it is done. */
sealed interface Op {
    /** Writes bytes that {@code seed} makes. */
    record Write(long offset, int length, long seed, boolean stable) implements Op {}

    /** Stores whole clusters compressed. */
    record Compressed(long offset, int length, long seed) implements Op {}

    /** Makes a range zero. */
    record Zero(long offset, int length, ZeroMode mode, boolean stable) implements Op {}

    /** Discards whole sectors. */
    record Discard(long offset, int length) implements Op {}

    /** Reads a range. */
    record Read(long offset, int length) implements Op {}

    /** Makes all stable. */
    record Flush() implements Op {}

    /** Closes the image, flushed before or not, and opens it again. */
    record Reopen(boolean flushed) implements Op {}

    /** Takes a snapshot. */
    record Take(String name) implements Op {}

    /** Goes back to one of the snapshots that there are. */
    record Apply(int which) implements Op {}

    /** Removes one of the snapshots that there are. */
    record Delete(int which) implements Op {}

    /** Makes the disk longer or shorter. */
    record Resize(long length) implements Op {}

    /** Adds an empty bitmap. */
    record AddBitmap(String name, long granularity) implements Op {}

    /** Unmarks all in one of the bitmaps that there are. */
    record ClearBitmap(int which) implements Op {}

    /** Removes one of the bitmaps that there are. */
    record RemoveBitmap(int which) implements Op {}

    /** What {@code seed} makes: noise, text that can be compressed, or noise with holes. */
    static byte[] bytes(long seed, int length) {
        Random random = new Random(seed);
        byte[] bytes = new byte[length];
        switch ((int) Math.floorMod(seed, 4L)) {
            case 0 -> {
                for (int at = 0; at < length; at++) {
                    bytes[at] = (byte) ('a' + random.nextInt(4));
                }
            }
            case 1 -> {
                for (int at = 0; at < length; at += 512) {
                    byte[] sector = new byte[Math.min(512, length - at)];
                    if (random.nextInt(3) > 0) {
                        random.nextBytes(sector);
                    }
                    System.arraycopy(sector, 0, bytes, at, sector.length);
                }
            }
            default -> random.nextBytes(bytes);
        }
        return bytes;
    }
}
