package dev.gaur.format;

/** What becomes of a write whose bytes are all zero ({@code detect-zeroes}). */
public enum DetectZeroes {
    /** It is a write. */
    OFF,
    /** It makes the range zero, and space stays reserved. */
    ON,
    /** It makes the range zero, and space may be given back where discards are obeyed. */
    UNMAP
}
