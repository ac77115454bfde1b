package dev.gaur.format;

/**
 * Sizes of an image's caches, in bytes unless said otherwise; each may be {@link
 * FormatOptions#AUTO}. How large the cache of mapping tables is says {@link
 * FormatOptions#metadataCacheBytes}.
 *
 * @param totalBytes for all tables together ({@code cache-size})
 * @param mappingEntryBytes the unit in which mapping tables are loaded ({@code
 *     l2-cache-entry-size}): a power of two from 512 to the cluster size
 * @param refcountBytes for refcount blocks ({@code refcount-cache-size})
 * @param cleanIntervalSeconds how long a table stays that nobody uses ({@code
 *     cache-clean-interval}); 0 for ever
 */
public record CacheOptions(
        long totalBytes, long mappingEntryBytes, long refcountBytes, long cleanIntervalSeconds) {
    /** Everything fits by itself. */
    public static final CacheOptions AUTO_SIZED =
            new CacheOptions(
                    FormatOptions.AUTO, FormatOptions.AUTO, FormatOptions.AUTO, FormatOptions.AUTO);
}
