package dev.gaur.format.qcow2;

import dev.gaur.block.BlockException;
import java.util.List;

/**
 * The clusters of bitmaps and who else has them (Q5): only those that are counted once and hold
 * nothing else may ever be freed.
 */
final class BitmapClaims {
    private final Geometry geometry;
    private final ClusterAllocator allocator;
    private final ClusterSet metadata;

    /**
     * @param metadata where all other metadata lies; gets the bitmaps' places
     */
    BitmapClaims(Geometry geometry, ClusterAllocator allocator, ClusterSet metadata) {
        this.geometry = geometry;
        this.allocator = allocator;
        this.metadata = metadata;
    }

    /** Claims the clusters of the directory; false, with nothing claimed, if somebody has them. */
    boolean claim(BitmapDirectory directory) {
        return claim(directory.offset(), geometry.clustersFor(directory.bytes()));
    }

    /** Claims the clusters of a table and those that it names; all or none. */
    boolean claim(BitmapEntry entry, long[] table) {
        long tableClusters = tableClusters(table);
        if (!claim(entry.tableOffset(), tableClusters)) {
            return false;
        }
        for (int i = 0; i < table.length; i++) {
            long offset = BitmapTable.clusterOffset(table[i]);
            if (offset != 0 && !claim(offset, 1)) {
                for (int j = 0; j < i; j++) {
                    forget(BitmapTable.clusterOffset(table[j]), 1);
                }
                forget(entry.tableOffset(), tableClusters);
                return false;
            }
        }
        return true;
    }

    private long tableClusters(long[] table) {
        return geometry.clustersFor((long) table.length * Long.BYTES);
    }

    private boolean claim(long hostOffset, long clusters) {
        long first = geometry.clusterIndex(hostOffset);
        for (long each = first; each < first + clusters; each++) {
            if (!isUnclaimed(each)) {
                metadata.remove(first, each - first);
                return false;
            }
            metadata.add(each, 1);
        }
        return true;
    }

    private boolean isUnclaimed(long cluster) {
        try {
            return !metadata.contains(cluster) && allocator.isLastReference(cluster);
        } catch (BlockException.Corrupt _) {
            return false; // There is no telling: the counts are damaged.
        }
    }

    private void forget(long hostOffset, long clusters) {
        if (hostOffset != 0) {
            metadata.remove(geometry.clusterIndex(hostOffset), clusters);
        }
    }

    /** What is done with clusters of the file's bitmaps. */
    private interface Action {
        void run(long firstCluster, long count);
    }

    /** Adds again what was claimed before. */
    void add(BitmapDirectory directory, List<StoredBitmap> bitmaps) {
        forEach(directory, bitmaps, metadata::add);
    }

    /** Frees what the file has and does not keep; nothing in the file leads there any more. */
    void free(BitmapDirectory directory, List<StoredBitmap> bitmaps, ClusterSet kept) {
        forEach(
                directory,
                bitmaps,
                (first, count) -> {
                    if (!kept.contains(first)) {
                        metadata.remove(first, count);
                        allocator.free(geometry.clusterOffset(first), count);
                    }
                });
    }

    private void forEach(BitmapDirectory directory, List<StoredBitmap> bitmaps, Action action) {
        if (directory.offset() != 0) {
            long clusters = geometry.clustersFor(directory.bytes());
            action.run(geometry.clusterIndex(directory.offset()), clusters);
        }
        for (StoredBitmap each : bitmaps) {
            BitmapEntry entry = each.entry();
            if (entry == null || !each.isOwned()) {
                continue;
            }
            long tableClusters = tableClusters(each.table());
            action.run(geometry.clusterIndex(entry.tableOffset()), tableClusters);
            for (long piece : each.table()) {
                long offset = BitmapTable.clusterOffset(piece);
                if (offset != 0) {
                    action.run(geometry.clusterIndex(offset), 1);
                }
            }
        }
    }
}
