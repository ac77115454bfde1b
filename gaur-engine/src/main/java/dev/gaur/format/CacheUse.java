package dev.gaur.format;

/**
 * How the cache of an image's mapping tables does, since the image was opened. The counters are not
 * of one moment.
 *
 * @param hits lookups that found their part of a table in memory
 * @param misses lookups that had to wait for the file
 * @param loads reads of the file for that: fewer than misses where many waited for the same
 * @param evictions parts given up, for others or because nobody used them
 * @param bytes memory in use now
 * @param bytesMax bound for that
 */
public record CacheUse(
        long hits, long misses, long loads, long evictions, long bytes, long bytesMax) {}
