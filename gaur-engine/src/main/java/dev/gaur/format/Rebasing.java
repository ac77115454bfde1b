package dev.gaur.format;

/**
 * Gives an image opened for writing another backing file. Whoever does that sees to it first that
 * the image reads the same over both, if it shall.
 */
public interface Rebasing {
    /** Returns the unit in bytes that a write should fill, so that nothing need be copied. */
    int unit();

    /**
     * Makes a range read as zeros whatever the backing file has there, now or later; {@code
     * BlockIo.zero} may leave out what reads as zeros already. Durable and failing as a write.
     *
     * @param offset of a unit
     * @param length whole units; the last one of the disk may be short
     */
    void zeroOverAny(long offset, long length);

    /**
     * Throws what {@link #setBacking} would if the image cannot take the name: so that nobody
     * prepares in vain. Changes nothing.
     */
    void checkBacking(String name, String format);

    /**
     * Stores another backing file's name and format. Blocks; stable when it returned; when it
     * fails, the image has the old name. What was written before must be stable. The image goes on
     * to read from the backing file that it was opened with, until it is opened anew.
     *
     * @param name as it is to stand in the image; empty for none
     * @param format QEMU's name of its format
     * @throws dev.gaur.block.BlockException.Unsupported if the image has no room for the name, or
     *     can have no backing file
     */
    void setBacking(String name, String format);
}
