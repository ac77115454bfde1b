package dev.gaur.verify.engine;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * What one sector was made to hold by its only writer, and when, in ticks of one clock. Safe for
 * many threads.
 */
final class Timeline {
    private record Version(long start, byte[] bytes, long end) {}

    private final List<Version> versions = new ArrayList<>(); // guarded by this

    Timeline(byte[] first) {
        versions.add(new Version(0, first, 0));
    }

    synchronized byte[] newest() {
        return versions.getLast().bytes();
    }

    /** The sector was given new bytes between two moments. */
    synchronized void add(long start, byte[] bytes, long end) {
        versions.add(new Version(start, bytes, end));
    }

    /** Whether a look at some moment between two may have found these bytes. */
    synchronized boolean mayHaveBeen(byte[] bytes, long from, long to) {
        for (int i = 0; i < versions.size(); i++) {
            boolean begun = versions.get(i).start() <= to;
            boolean over = i + 1 < versions.size() && versions.get(i + 1).end() < from;
            if (begun && !over && Arrays.equals(versions.get(i).bytes(), bytes)) {
                return true;
            }
        }
        return false;
    }
}
