package dev.gaur.format;

/** Makes an image opened for writing forget what it holds. */
public interface Emptying {
    /**
     * Drops all that the image itself holds: every byte reads as the backing file has it, or as
     * zero without one. Snapshots stay as they are. The space goes back to the file system as far
     * as it can. Blocks; requests may wait meanwhile; stable when it returned.
     *
     * <p>When it fails, or the machine dies, any part may be dropped already: what is dropped has
     * to be stable in the backing file before.
     */
    void makeEmpty();
}
