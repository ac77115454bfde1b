package dev.gaur.format;

import java.util.OptionalLong;

/**
 * How large a new image will be, in bytes. Upper bounds: compression is not considered, and tables
 * are counted as for a full image.
 *
 * @param required with the content that was measured
 * @param fullyAllocated when all of the disk has been written
 * @param bitmaps what copies of the source's bitmaps take in addition; empty if either side cannot
 *     have bitmaps
 */
public record MeasureReport(long required, long fullyAllocated, OptionalLong bitmaps) {}
