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
 * @param loadBytes how much of an L2 table is read at once, if that is more than a slice
 * @param budget what it shares with others
 */
record CacheSizes(
        long tableBytes, long countBytes, long cleanNanos, long loadBytes, TableBudget budget) {
    /** A bound that takes images of any usual size whole: 32 MiB map 256 GiB at worst. */
    static final long AUTO_BYTES_MIN = 32L << 20;

    private static final int AUTO_SHARE_OF_HEAP = 8;

    /** Enough for 256 GiB of clusters of 64 KiB. */
    private static final long COUNT_BYTES = 8L << 20;

    /** What QEMU leaves for refcount blocks at least. */
    private static final int COUNT_BLOCKS_MIN = 4;

    private static final long CLEAN_SECONDS = 600;

    /** The same where slices are loaded one by one, and nothing is shared. */
    CacheSizes(long tableBytes, long countBytes, long cleanNanos) {
        this(tableBytes, countBytes, cleanNanos, 0, TableBudget.NONE);
    }

    /**
     * The same for caches that last: those that size themselves share the memory of the process.
     */
    static CacheSizes lasting(FormatOptions options, Header header) {
        CacheSizes sizes = of(options, header);
        boolean auto = options.metadataCacheBytes() == FormatOptions.AUTO;
        boolean alone = options.caches().totalBytes() == FormatOptions.AUTO;
        return auto && alone ? sizes.with(TableBudget.PROCESS) : sizes;
    }

    private CacheSizes with(TableBudget shared) {
        return new CacheSizes(tableBytes, countBytes, cleanNanos, loadBytes, shared);
    }

    /**
     * Works out what options mean for an image, by itself.
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
        long load = Math.max(0, caches.mappingEntryBytes());
        if (total == FormatOptions.AUTO) {
            return new CacheSizes(
                    tables == FormatOptions.AUTO ? autoBytes() : tables,
                    counts == FormatOptions.AUTO ? COUNT_BYTES : counts,
                    nanos,
                    load,
                    TableBudget.NONE);
        }
        if (counts != FormatOptions.AUTO) {
            return new CacheSizes(total - counts, counts, nanos, load, TableBudget.NONE);
        }
        if (tables == FormatOptions.AUTO) {
            Geometry geometry = header.geometry();
            long all = geometry.clusterOffset(geometry.l1EntriesFor(header.virtualSize()));
            long least = geometry.clusterOffset(COUNT_BLOCKS_MIN);
            tables = Math.max(0, Math.min(total - least, all));
        }
        return new CacheSizes(tables, total - tables, nanos, load, TableBudget.NONE);
    }

    /** The bound for a cache that sizes itself: an eighth of the heap, but at least 32 MiB. */
    private static long autoBytes() {
        return Math.max(AUTO_BYTES_MIN, Runtime.getRuntime().maxMemory() / AUTO_SHARE_OF_HEAP);
    }
}
