package dev.gaur.format;

/**
 * One thing that is wrong with an image.
 *
 * @param severity what it means for the data
 * @param structure where, such as {@code L2 table 3, entry 17} or {@code cluster 5}
 * @param offset host byte offset of the place, or -1
 * @param text the whole line for people, in QEMU's words where QEMU has a line for it
 * @param guestOffset first guest byte affected, or -1 if none is
 * @param guestLength how many guest bytes, 0 if none
 * @param repaired whether it is being repaired; it was told before as it was found
 */
public record CheckFinding(
        Severity severity,
        String structure,
        long offset,
        String text,
        long guestOffset,
        long guestLength,
        boolean repaired) {
    /** What a finding means. */
    public enum Severity {
        /** Space is lost, data is not. */
        LEAK,
        /** Data is or will be lost. */
        CORRUPTION,
        /** A part could not be checked. */
        CHECK_ERROR
    }
}
