package dev.gaur.job;

import java.util.Arrays;

/**
 * A range of both disks for one worker, in pieces. Belongs to the worker, which uses it again and
 * again.
 */
final class CompareWork {
    /** What is to be done with a piece. */
    enum Task {
        /** Both are known to be zeros. */
        NOTHING,
        /** Only the first has data: it must be zeros. */
        FIRST_ZERO,
        /** Only the second has data: it must be zeros. */
        SECOND_ZERO,
        /** Both have data. */
        EQUAL
    }

    /** A piece shorter than this is not worth a request of its own. */
    private static final int SHORT = 64 << 10;

    private Task[] tasks = new Task[16];
    private long[] ends = new long[16];
    private int count;
    private long offset;

    void begin(long newOffset) {
        offset = newOffset;
        count = 0;
    }

    /** Adds the piece that ends at {@code end}. */
    void add(long end, Task task) {
        int last = count - 1;
        if (last >= 0 && (tasks[last] == task || isShort(last) || end - ends[last] < SHORT)) {
            tasks[last] = tasks[last] == task ? task : Task.EQUAL;
            ends[last] = end;
            return;
        }
        if (count == tasks.length) {
            tasks = Arrays.copyOf(tasks, 2 * count);
            ends = Arrays.copyOf(ends, 2 * count);
        }
        tasks[count] = task;
        ends[count++] = end;
    }

    private boolean isShort(int index) {
        return ends[index] - start(index) < SHORT;
    }

    int count() {
        return count;
    }

    long start(int index) {
        return index == 0 ? offset : ends[index - 1];
    }

    long end(int index) {
        return ends[index];
    }

    Task task(int index) {
        return tasks[index];
    }

    long length() {
        return count == 0 ? 0 : ends[count - 1] - offset;
    }
}
