package dev.gaur.format;

/** Changes what an image opened for writing is, without copying it. */
public interface Amending {
    /**
     * Makes all changes, one after the other. Blocks; stable when it returned. Requests wait while
     * it runs.
     *
     * @throws IllegalArgumentException if the format forbids it for any image, in QEMU's words;
     *     nothing has changed then
     * @throws dev.gaur.block.BlockException.Unsupported if this image cannot be that; changes
     *     before this one are made
     */
    void amend(Amendment changes);
}
