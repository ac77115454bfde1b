package dev.gaur.format;

/**
 * How an image is opened.
 *
 * @param snapshot the id or name of the internal snapshot to read, id first; empty for the active
 *     state
 * @param metadataCacheBytes upper bound for cached mapping tables, or {@link #AUTO}
 */
public record FormatOptions(String snapshot, long metadataCacheBytes) {
    /** Size the cache by the image, within a stated bound. */
    public static final long AUTO = -1;

    /** The active state, with a cache that fits by itself. */
    public static final FormatOptions DEFAULT = new FormatOptions("", AUTO);
}
