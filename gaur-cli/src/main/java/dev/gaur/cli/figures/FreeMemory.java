package dev.gaur.cli.figures;

import java.lang.foreign.Arena;

/**
 * Makes sure that the system's free memory is there. A host takes from a virtual machine what that
 * has not used for seconds, and page by page gives it back to whoever touches it first: that is no
 * cost of the writes that happen to do so, and may be ten times theirs.
 */
final class FreeMemory {
    private static final long MOST = 1L << 30;
    private static final long SPARE = 64L << 20;

    private FreeMemory() {}

    /** Touches as much as a pass over new places will take, and leaves it to the system. */
    static void touch(Pattern pattern, int requests) {
        long each = Math.max(pattern.bytes(), pattern.step());
        try (Arena arena = Arena.ofConfined()) {
            arena.allocate(Math.min(MOST, requests * each + SPARE)); // It is filled with zeros.
        } catch (OutOfMemoryError _) {
            // Then there is none to be touched.
        }
    }
}
