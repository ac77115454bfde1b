package dev.gaur.format;

/** Changes the size of the virtual disk of an image opened for writing. */
public interface Resizing {
    /**
     * Makes the disk {@code newLength} bytes long; new bytes read as zeros, whatever the backing
     * file has there. Blocks; stable when it returned. Requests wait while it runs.
     *
     * @param newLength a multiple of 512; what lies behind it is lost
     * @param preallocation of the new area
     */
    void resize(long newLength, Preallocation preallocation);
}
