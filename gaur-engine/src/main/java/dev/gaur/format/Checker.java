package dev.gaur.format;

/** Checks an image against its format's rules; changes nothing. */
public interface Checker {
    /**
     * Reads all metadata and compares. Blocks; may be interrupted by closing the image.
     *
     * @param listener told of findings and progress while it runs, on any thread but one at a time,
     *     and asked whether to go on
     */
    CheckReport check(CheckListener listener);
}
