package dev.gaur.format;

/** What a repair may change. */
public enum RepairMode {
    /** Frees clusters that nobody uses, if nothing worse is wrong with what counts them. */
    LEAKS,
    /** Repairs all that can be repaired. */
    ALL
}
