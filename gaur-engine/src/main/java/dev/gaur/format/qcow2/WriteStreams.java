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

    /** Where each was last. */
    private final long[] places = new long[STREAMS];

    private int oldest;

    WriteStreams() {
        Arrays.fill(places, NOWHERE);
    }

    /** Notes that a cluster is written; returns whether one near it was before. */
    synchronized boolean goOn(long cluster) {
        for (int i = 0; i < STREAMS; i++) {
            if (Math.abs(cluster - places[i]) <= NEAR) {
                places[i] = cluster;
                return true;
            }
        }
        places[oldest] = cluster;
        oldest = (oldest + 1) % STREAMS;
        return false;
    }
}
