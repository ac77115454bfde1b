package dev.gaur.storage.file;

import dev.gaur.ffi.Posix;

/** What a file system may be told about writes to an open file; nothing depends on it. */
final class FileHints {
    private final int fd;

    /** Whether {@link #reserve} does anything: 1 yes, -1 no, 0 not known yet. */
    private volatile int reserves;

    FileHints(int fd) {
        this.fd = fd;
    }

    /**
     * Finds place for a range. Only ext4 is asked: there each page of a new file costs a
     * reservation, in all a third of the time that writing takes. Memory file systems become slower
     * by it.
     */
    void reserve(long offset, long count) {
        if (reserves == 0) {
            reserves = Posix.fstatfsType(fd) == Posix.EXT4_SUPER_MAGIC ? 1 : -1;
        }
        int keep = Posix.FALLOC_FL_KEEP_SIZE;
        if (reserves > 0
                && NativeStorage.uninterrupted(() -> Posix.fallocate(fd, keep, offset, count))
                        < 0) {
            reserves = -1; // Full, or not able to: the writing itself will tell.
        }
    }

    /** Starts to write a range to the disk. */
    void startWriting(long offset, long count) {
        Posix.startWriting(fd, offset, count);
    }
}
