package dev.gaur.format;

/**
 * Sizes of an image's caches, in bytes unless said otherwise; each may be {@link
 * FormatOptions#AUTO}. How large the cache of mapping tables is says {@link
 * FormatOptions#metadataCacheBytes}.
 *
 * @param totalBytes for all tables together ({@code cache-size})
 * @param mappingEntryBytes how much of a mapping table is read at once ({@code
 *     l2-cache-entry-size}): a power of two from 512 to the cluster size. Less than 4 KiB has no
 *     effect: to read less saves nothing. More pays where each read of the file takes long
 * @param refcountBytes for refcount blocks ({@code refcount-cache-size})
 * @param cleanIntervalSeconds how long a table stays that nobody uses ({@code
 *     cache-clean-interval}); 0 for ever
 * @param cowBytes for written parts of clusters that wait for the rest ({@code cow-cache-size}); 0
 *     for none
 */
public record CacheOptions(
        long totalBytes,
        long mappingEntryBytes,
        long refcountBytes,
        long cleanIntervalSeconds,
        long cowBytes) {
    /** Everything fits by itself. */
    public static final CacheOptions AUTO_SIZED =
            new CacheOptions(
                    FormatOptions.AUTO, FormatOptions.AUTO, FormatOptions.AUTO, FormatOptions.AUTO);

    /** Sizes of the caches of tables; the other one fits by itself. */
    public CacheOptions(
            long totalBytes,
            long mappingEntryBytes,
            long refcountBytes,
            long cleanIntervalSeconds) {
        this(
                totalBytes,
                mappingEntryBytes,
                refcountBytes,
                cleanIntervalSeconds,
                FormatOptions.AUTO);
    }

    /** The same with another size of the data cache for copy-on-write. */
    public CacheOptions withCowBytes(long other) {
        return new CacheOptions(
                totalBytes, mappingEntryBytes, refcountBytes, cleanIntervalSeconds, other);
    }
}
