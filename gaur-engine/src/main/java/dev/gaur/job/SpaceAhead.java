package dev.gaur.job;

import dev.gaur.block.StorageNode;

/**
 * Has a file that is written from its beginning to its end take up its space in large steps, since
 * some file systems need long to find it page by page. The steps grow with the file: a small one
 * never holds much more than it needs. Used by one thread at a time.
 */
final class SpaceAhead {
    private static final long STEP_MIN = 1L << 20;
    private static final long STEP_MAX = 64L << 20;

    private final StorageNode file;
    private long end;

    SpaceAhead(StorageNode file) {
        this.file = file;
    }

    /** Announces that the file will be written up to {@code written}, and on from there. */
    void cover(long written) {
        while (end < written) {
            long step = Math.clamp(end, STEP_MIN, STEP_MAX);
            file.reserve(end, step);
            end += step;
        }
    }

    /** Gives back what lies behind the end of the file. */
    void giveBack() {
        if (end > file.length()) {
            file.resize(file.length());
        }
    }
}
