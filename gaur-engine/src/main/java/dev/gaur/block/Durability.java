package dev.gaur.block;

/** When a write may be lost. */
public enum Durability {
    /** Until the next flush that began after the write returned. */
    CACHED,
    /** Never once the call returned: the write and the mapping that finds it are stable. */
    STABLE
}
