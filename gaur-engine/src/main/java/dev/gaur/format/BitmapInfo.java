package dev.gaur.format;

/**
 * A stored dirty bitmap.
 *
 * @param name unique in the image
 * @param granularity guest bytes for each bit
 * @param inUse not closed cleanly: the content cannot be trusted
 * @param auto enabled: follows every write
 */
public record BitmapInfo(String name, long granularity, boolean inUse, boolean auto) {}
