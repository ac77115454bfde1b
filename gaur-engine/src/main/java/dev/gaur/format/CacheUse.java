package dev.gaur.format;

/**
 * How the cache of an image's mapping tables does. The counters are not of one moment.
 *
 * @param hits lookups that found their part of a table in memory
 * @param loads parts of tables read from the file
 * @param evictions parts given up for others
 * @param bytes memory in use now
 */
public record CacheUse(long hits, long loads, long evictions, long bytes) {}
