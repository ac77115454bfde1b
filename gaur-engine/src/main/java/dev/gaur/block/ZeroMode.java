package dev.gaur.block;

/** What may happen to the space under a range that is made zero. */
public enum ZeroMode {
    /** The space stays reserved. */
    KEEP,
    /** The space may be given back. */
    UNMAP
}
