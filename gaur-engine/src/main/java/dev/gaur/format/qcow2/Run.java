package dev.gaur.format.qcow2;

import dev.gaur.block.Extent;

/**
 * Part of the virtual disk that is stored in one way, and in one piece. Of kind {@code COMPRESSED}
 * it is one cluster or a part of one.
 *
 * @param kind how; with extended L2 entries the kind of the subclusters
 * @param guestOffset first byte in the virtual disk
 * @param length bytes in the virtual disk, at least one
 * @param hostOffset where the first byte lies, or has its place, in the file that holds the data;
 *     of the whole stream if compressed; {@link Extent#NOWHERE} if there is no place
 * @param storedBytes from a compressed stream's first byte to the end of its last sector, else 0
 */
record Run(L2Entry.Kind kind, long guestOffset, long length, long hostOffset, int storedBytes) {

    /** The guest byte after the last. */
    long end() {
        return guestOffset + length;
    }

    /** Whether {@code next}, which begins where this run ends, is more of the same. */
    boolean isContinuedBy(Run next) {
        if (kind != next.kind || kind == L2Entry.Kind.COMPRESSED) {
            return false;
        }
        return hostOffset == Extent.NOWHERE
                ? next.hostOffset == Extent.NOWHERE
                : hostOffset + length == next.hostOffset;
    }

    /** This run made longer. */
    Run withLength(long newLength) {
        return new Run(kind, guestOffset, newLength, hostOffset, storedBytes);
    }
}
