package dev.gaur.format.qcow2;

import java.util.Arrays;

/**
 * Tells writes of whole clusters that seem to come in order from others. A few may come in turn,
 * each from a place of its own, and those in flight together may overtake each other.
 *
 * <p>Locks: its own monitor. Safe for many threads.
 */
final class WriteStreams {
    private static final int STREAMS = 4;

    /** So many clusters may lie between one and the next, either way. */
    private static final long NEAR = 16;

    private static final long NOWHERE = Long.MIN_VALUE / 2;

    /** Where each request of them ended, the last one. */
    private final long[] places = new long[STREAMS];

    private int oldest;

    WriteStreams() {
        Arrays.fill(places, NOWHERE);
    }

    /** Notes that a range is written, or what is left of it; returns whether one near it was. */
    synchronized boolean goOn(long first, long end) {
        for (int i = 0; i < STREAMS; i++) {
            if (isNear(first, places[i]) || isNear(end, places[i])) {
                places[i] = end;
                return true;
            }
        }
        places[oldest] = end;
        oldest = (oldest + 1) % STREAMS;
        return false;
    }

    private static boolean isNear(long one, long other) {
        return Math.abs(one - other) <= NEAR;
    }
}
