package dev.gaur.cli;

import dev.gaur.format.CacheUse;
import dev.gaur.format.Image;
import dev.gaur.graph.BlockDevice;
import java.util.List;

/**
 * How the caches of mapping tables of some images do, layers below included.
 *
 * @param hits lookups that needed no I/O
 * @param misses lookups that had to wait for it
 * @param loads reads of the files for that
 * @param evictions parts of tables given up
 * @param bytes memory in use
 */
record TableCaches(long hits, long misses, long loads, long evictions, long bytes) {
    static final TableCaches NONE = new TableCaches(0, 0, 0, 0, 0);

    static TableCaches of(List<BlockDevice> disks) {
        TableCaches sum = NONE;
        for (BlockDevice disk : disks) {
            for (Image layer : disk.layers()) {
                CacheUse use = layer.cacheUse().orElse(null);
                if (use != null) {
                    sum = sum.plus(use);
                }
            }
        }
        return sum;
    }

    private TableCaches plus(CacheUse use) {
        return new TableCaches(
                hits + use.hits(),
                misses + use.misses(),
                loads + use.loads(),
                evictions + use.evictions(),
                bytes + use.bytes());
    }

    /** What happened since. */
    TableCaches since(TableCaches before) {
        return new TableCaches(
                hits - before.hits,
                misses - before.misses,
                loads - before.loads,
                evictions - before.evictions,
                bytes);
    }
}
