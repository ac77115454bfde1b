package dev.gaur.format.qcow2;

import dev.gaur.format.CacheOptions;
import dev.gaur.format.FormatOptions;
import java.util.concurrent.TimeUnit;

/**
 * How much memory the caches of one image may take, and how long they keep what nobody uses.
 *
 * @param tableBytes bound for L2 tables
 * @param countBytes bound for refcount blocks
 * @param cleanNanos what was not used for so long is given up; 0 for never
 */
record CacheSizes(long tableBytes, long countBytes, long cleanNanos) {
    /** A bound that takes images of any usual size whole: 32 MiB map 256 GiB at worst. */
    private static final long AUTO_BYTES_MIN = 32L << 20;

    private static final int AUTO_SHARE_OF_HEAP = 8;

    /** Enough for 256 GiB of clusters of 64 KiB. */
    private static final long COUNT_BYTES = 8L << 20;

    /** What QEMU leaves for refcount blocks at least. */
    private static final int COUNT_BLOCKS_MIN = 4;

    private static final long CLEAN_SECONDS = 600;

    /**
     * Works out what options mean for an image.
     *
     * @param header of the image, whose tables the larger part is for if only the sum is told
     */
    static CacheSizes of(FormatOptions options, Header header) {
        CacheOptions caches = options.caches();
        long interval = caches.cleanIntervalSeconds();
        long seconds = interval == FormatOptions.AUTO ? CLEAN_SECONDS : interval;
        long nanos = TimeUnit.SECONDS.toNanos(seconds);
        long tables = options.metadataCacheBytes();
        long counts = caches.refcountBytes();
        long total = caches.totalBytes();
        if (total == FormatOptions.AUTO) {
            return new CacheSizes(
                    tables == FormatOptions.AUTO ? autoBytes() : tables,
                    counts == FormatOptions.AUTO ? COUNT_BYTES : counts,
                    nanos);
        }
        if (counts != FormatOptions.AUTO) {
            return new CacheSizes(total - counts, counts, nanos);
        }
        if (tables == FormatOptions.AUTO) {
            Geometry geometry = header.geometry();
            long all = geometry.clusterOffset(geometry.l1EntriesFor(header.virtualSize()));
            long least = geometry.clusterOffset(COUNT_BLOCKS_MIN);
            tables = Math.max(0, Math.min(total - least, all));
        }
        return new CacheSizes(tables, total - tables, nanos);
    }

    /** The bound for a cache that sizes itself: an eighth of the heap, but at least 32 MiB. */
    private static long autoBytes() {
        return Math.max(AUTO_BYTES_MIN, Runtime.getRuntime().maxMemory() / AUTO_SHARE_OF_HEAP);
    }
}
