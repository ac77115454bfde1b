package dev.gaur.format.qcow2;

import java.util.Arrays;

/**
 * Which bytes of a cluster are there: ranges in order, with a gap between each two. Not safe for
 * many threads.
 */
final class ByteRanges {
    /** Where each range begins, and where it ends. */
    private int[] bounds = new int[4];

    private int count;

    /** How many ranges there are. */
    int count() {
        return count;
    }

    /** Adds {@code [from, end)}, which is not empty. */
    void add(int from, int end) {
        int last = 2 * count - 1;
        if (count > 0 && from == bounds[last]) { // One after the other, as most are.
            bounds[last] = end;
            return;
        }
        int low = rangesUpTo(from - 1);
        int high = low;
        while (high < count && bounds[2 * high] <= end) {
            high++;
        }
        if (low == high) {
            insert(low, from, end);
        } else {
            bounds[2 * low] = Math.min(from, bounds[2 * low]);
            bounds[2 * low + 1] = Math.max(end, bounds[2 * high - 1]);
            System.arraycopy(bounds, 2 * high, bounds, 2 * (low + 1), 2 * (count - high));
            count -= high - low - 1;
        }
    }

    private void insert(int index, int from, int end) {
        if (2 * count == bounds.length) {
            bounds = Arrays.copyOf(bounds, 2 * bounds.length);
        }
        System.arraycopy(bounds, 2 * index, bounds, 2 * (index + 1), 2 * (count - index));
        bounds[2 * index] = from;
        bounds[2 * index + 1] = end;
        count++;
    }

    /** How many ranges end at an offset or before. */
    private int rangesUpTo(int at) {
        int low = 0;
        int high = count;
        while (low < high) {
            int middle = (low + high) >>> 1;
            if (bounds[2 * middle + 1] <= at) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        return low;
    }

    /** Whether all of a range, which is not empty, is there. */
    boolean covers(int from, int end) {
        int index = rangesUpTo(from);
        return index < count && bounds[2 * index] <= from && end <= bounds[2 * index + 1];
    }

    /** Whether any byte of a range is there. */
    boolean touches(int from, int end) {
        int index = rangesUpTo(from);
        return index < count && bounds[2 * index] < end;
    }

    /** Whether every range begins and ends at a multiple of a unit, or at {@code length}. */
    boolean areAligned(int unit, int length) {
        for (int i = 0; i < 2 * count; i++) {
            if (bounds[i] % unit != 0 && bounds[i] != length) {
                return false;
            }
        }
        return true;
    }

    /** The first byte from an offset on that is there; -1 if none is. */
    int next(int at) {
        int index = rangesUpTo(at);
        return index < count ? Math.max(at, bounds[2 * index]) : -1;
    }

    /** Where the range ends that a byte is in. */
    int endOf(int at) {
        return bounds[2 * rangesUpTo(at) + 1];
    }
}
