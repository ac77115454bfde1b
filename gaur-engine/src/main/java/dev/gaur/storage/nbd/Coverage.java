package dev.gaur.storage.nbd;

import java.util.Map;
import java.util.TreeMap;

/** Which parts of a read have come. Servers send them in order, so that it is usually one run. */
final class Coverage {
    /** A server that sends more pieces far from each other wants our memory. */
    private static final int RUNS_MAX = 64 << 10;

    private final TreeMap<Long, Long> runs = new TreeMap<>(); // start to end, none touch
    private long bytes;

    /** Adds a part; false if some of it was there, or there are too many pieces. */
    boolean add(long from, long length) {
        long end = from + length;
        Map.Entry<Long, Long> before = runs.floorEntry(from);
        Map.Entry<Long, Long> after = runs.ceilingEntry(from);
        if ((before != null && before.getValue() > from)
                || (after != null && after.getKey() < end)
                || runs.size() == RUNS_MAX) {
            return false;
        }
        long start = from;
        if (before != null && before.getValue() == from) {
            start = before.getKey();
        }
        if (after != null && after.getKey() == end) {
            end = after.getValue();
            runs.remove(after.getKey());
        }
        runs.put(start, end);
        bytes += length;
        return true;
    }

    /** Returns how many bytes have come. */
    long bytes() {
        return bytes;
    }
}
