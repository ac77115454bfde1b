package dev.gaur.cli;

import dev.gaur.format.CacheUse;
import dev.gaur.format.Image;
import dev.gaur.graph.BlockDevice;
import java.util.List;

/**
 * How the caches of mapping tables of some images do, layers below included.
 *
 * @param hits lookups that needed no I/O
 * @param loads lookups that did
 * @param bytes memory in use
 */
record TableCaches(long hits, long loads, long bytes) {
    static TableCaches of(List<BlockDevice> disks) {
        long hits = 0;
        long loads = 0;
        long bytes = 0;
        for (BlockDevice disk : disks) {
            for (Image layer : disk.layers()) {
                CacheUse use = layer.cacheUse().orElse(null);
                if (use != null) {
                    hits += use.hits();
                    loads += use.loads();
                    bytes += use.bytes();
                }
            }
        }
        return new TableCaches(hits, loads, bytes);
    }
}
