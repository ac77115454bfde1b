package dev.gaur.cli.figures;

import java.lang.foreign.Arena;

/**
 * Makes sure that the system's free memory is there. A host takes from a virtual machine what that
 * has not used for seconds, and page by page gives it back to whoever touches it first: that is no
 * cost of the writes that happen to do so, and may be ten times theirs.
 */
final class FreeMemory {
    private static final long MOST = 2L << 30;
    private static final long SPARE = 64L << 20;

    /** Of the memory that is there; the system takes any of it, so that more is touched. */
    private static final int SHARE = 4;

    private static final long TIMES = 2;

    private FreeMemory() {}

    /** Touches as much as a pass over new places will take, and leaves it to the system. */
    static void touch(Pattern pattern, int requests) {
        long each = Math.max(pattern.bytes(), pattern.step());
        long most = Math.min(MOST, Machine.memory("MemAvailable") / SHARE);
        try (Arena arena = Arena.ofConfined()) {
            arena.allocate(Math.min(most, TIMES * requests * each + SPARE)); // Filled with zeros.
        } catch (OutOfMemoryError _) {
            // Then there is none to be touched.
        }
    }
}
