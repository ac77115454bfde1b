package dev.gaur.job;

import java.util.Arrays;

/**
 * A range for one worker of a rebase, in units of the image. Belongs to the worker, which uses it
 * again and again.
 */
final class RebaseWork {
    /** What is to be done with a unit. */
    enum Task {
        /** Both chains have the same, or the image has it itself. */
        NOTHING,
        /** Only the new chain has data: zeros are needed unless that is zeros as well. */
        OLD_IS_ZERO,
        /** Only the old chain has data: it is needed unless it is zeros. */
        NEW_IS_ZERO,
        /** Both have data. */
        COMPARE
    }

    private final int unit;
    private final Task[] tasks;
    private long offset;
    private long end;
    private int marked;
    private boolean hasTasks;

    /**
     * @param size bytes of the longest range that has tasks, a multiple of the unit
     */
    RebaseWork(int unit, int size) {
        this.unit = unit;
        this.tasks = new Task[size / unit];
        Arrays.fill(tasks, Task.NOTHING);
    }

    /** Becomes empty; the range will begin at a unit. */
    void begin(long newOffset) {
        offset = newOffset;
        end = newOffset;
        marked = 0;
        hasTasks = false;
    }

    /**
     * Says what is to be done from the end so far up to {@code to}. A unit with several tasks has
     * to be compared. A range longer than others has no tasks at all.
     */
    void mark(long from, long to, Task task) {
        end = to;
        hasTasks |= task != Task.NOTHING;
        int first = (int) Math.min(tasks.length, (from - offset) / unit);
        int stop = (int) Math.min(tasks.length, (to - offset + unit - 1) / unit);
        for (int i = first; i < stop; i++) {
            tasks[i] = i < marked && tasks[i] != task ? Task.COMPARE : task;
        }
        marked = stop;
    }

    boolean isEmpty() {
        return end == offset;
    }

    boolean hasTasks() {
        return hasTasks;
    }

    long offset() {
        return offset;
    }

    long length() {
        return end - offset;
    }

    int units() {
        return marked;
    }

    Task task(int index) {
        return tasks[index];
    }

    /** The index after the last of the units from {@code first} on that have the same task. */
    int runEnd(int first) {
        int stop = first + 1;
        while (stop < marked && tasks[stop] == tasks[first]) {
            stop++;
        }
        return stop;
    }

    /** Bytes from the range's start to a unit, which may be the one after the last. */
    long startOf(int index) {
        return Math.min((long) index * unit, length());
    }
}
