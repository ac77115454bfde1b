package dev.gaur.net;

import dev.gaur.sync.Spinners;

/**
 * Whether it pays to look for data again and again for some microseconds before sleeping. Waking a
 * thread takes longer than a peer with one request in flight takes to send its next one: spinning
 * then nearly doubles the rate. Where data does not come so soon it would be wasted, so that who
 * finds nothing some times in a row stops trying for a while, twice as long each time.
 *
 * <p>For one receiver; only the number of spinners is shared.
 */
final class Spin {
    /** Longer than a peer needs that is awake and has a processor. */
    private static final long NANOS = 40_000;

    private static final int MISSES_MAX = 4;
    private static final int PAUSE_MAX = 4096;

    private int misses;
    private int pause = 1;
    private int left;

    /** Tells whether to try; each true is followed by one {@link #end}. */
    boolean begin() {
        if (left > 0) {
            left--;
            return false;
        }
        return Spinners.begin();
    }

    /** Tells how long to try, in nanoseconds. */
    static long nanos() {
        return NANOS;
    }

    void end(boolean found) {
        Spinners.end();
        if (found) {
            misses = 0;
            pause = 1;
        } else if (++misses >= MISSES_MAX) {
            left = pause;
            pause = Math.min(PAUSE_MAX, 2 * pause);
        }
    }
}
