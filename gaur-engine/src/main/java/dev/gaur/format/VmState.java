package dev.gaur.format;

import java.lang.foreign.MemorySegment;

/**
 * The area behind an image's disk where the state of a virtual machine lies. The disk does not have
 * it; it begins at offset 0, has no end, and reads as zeros where nothing was written. Resizing the
 * disk drops it. Each request runs alone. Safe for use by many threads.
 */
public interface VmState {
    /** Fills {@code target} with what lies at an offset. */
    void read(long offset, MemorySegment target);

    /**
     * Writes to an offset. All that is needed to find it again is stable afterwards.
     *
     * @throws dev.gaur.block.BlockException.Denied if the image is not open for writing
     * @throws dev.gaur.block.BlockException.Media if the format cannot reach so far
     */
    void write(long offset, MemorySegment source);
}
