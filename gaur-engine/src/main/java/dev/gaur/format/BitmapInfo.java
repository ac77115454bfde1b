package dev.gaur.format;

/**
 * A stored dirty bitmap.
 *
 * @param name unique in the image, unless one of the two is broken
 * @param granularity guest bytes for each bit; 0 if the image has an illegal one
 * @param inUse not closed cleanly: the content cannot be trusted
 * @param auto enabled: follows every write
 * @param broken what is wrong with it, so that it can only be removed; empty if nothing is
 */
public record BitmapInfo(
        String name, long granularity, boolean inUse, boolean auto, String broken) {
    /** A bitmap that is not broken. */
    public BitmapInfo(String name, long granularity, boolean inUse, boolean auto) {
        this(name, granularity, inUse, auto, "");
    }

    /** Tells whether it can only be removed. */
    public boolean isUnusable() {
        return inUse || !broken.isEmpty();
    }
}
