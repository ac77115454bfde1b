package dev.gaur.format;

import java.lang.foreign.MemorySegment;

/** Compressed writes to an image opened for writing. Safe for many threads, in parallel. */
public interface Compressing {
    /** Returns the unit in bytes: every write begins at a multiple of it. */
    int unit();

    /**
     * Stores whole units compressed, or plain where they do not become smaller. Visible, durable
     * and failing as a write.
     *
     * @param source whole units; the last one of the disk may be short
     */
    void writeCompressed(long offset, MemorySegment source);
}
