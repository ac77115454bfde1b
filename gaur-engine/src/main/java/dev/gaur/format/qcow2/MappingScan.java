package dev.gaur.format.qcow2;

import dev.gaur.block.BlockException;
import dev.gaur.format.MappingReport;

/**
 * Looks at the active mapping as a whole: what clusters there are, how they lie, what a cache of
 * the tables takes. Reads a bounded part of the tables, spread over the disk; what is wrong in them
 * is counted. For one thread.
 */
final class MappingScan {
    /** So much of the tables is looked at: those of 1 TiB with clusters of 64 KiB. */
    private static final long BYTES_MAX = 128L << 20;

    private final Geometry geometry;
    private final boolean hasDataFile;
    private final MappingTables tables;
    private final long clusters;
    private final long clustersBelow;
    private final long cacheBound;
    private final long bytesMax;

    private long tablesThere;
    private long slicesSeen;
    private long sliceMemory;
    private long own;
    private long shared;
    private long compressed;
    private long zeros;
    private long below;
    private long empty;
    private long broken;
    private long runs;
    private long data;

    /** Where the next cluster of data follows the last one. */
    private long nextHost = -1;

    /**
     * @param tables of the active state
     * @param below how many bytes of the disk lie over a backing file
     * @param cacheBound the bound of the cache by default
     */
    MappingScan(Header header, MappingTables tables, long below, long cacheBound) {
        this(header, tables, below, cacheBound, BYTES_MAX);
    }

    /**
     * @param bytesMax how much of the tables is looked at, about
     */
    MappingScan(Header header, MappingTables tables, long below, long cacheBound, long bytesMax) {
        this.geometry = header.geometry();
        this.hasDataFile = header.has(Header.DATA_FILE);
        this.tables = tables;
        this.clusters = geometry.clustersFor(header.virtualSize());
        this.clustersBelow = Math.min(clusters, geometry.clustersFor(below));
        this.cacheBound = cacheBound;
        this.bytesMax = bytesMax;
    }

    /** Looks. */
    MappingReport scan() {
        long[] l1 = tables.l1();
        int perTable = geometry.slicesPerTable();
        for (int index = 0; index < l1.length; index++) {
            if (L2Entry.hostOffset(l1[index]) != 0) {
                tablesThere++;
            } else {
                countNothing(index);
            }
        }
        long holes = empty;
        long holesBelow = below;
        empty = 0;
        below = 0;
        long slices = tablesThere * perTable;
        long most = Math.max(1, bytesMax / geometry.sliceBytes());
        long stride = Math.max(1, Math.ceilDiv(slices, most));
        if (stride == 1) {
            scanTables(l1, perTable);
        } else {
            scanSome(l1, perTable, stride);
        }
        return report(holes, holesBelow, slices);
    }

    /** Counts the clusters of a table that is not there. */
    private void countNothing(int l1Index) {
        long first = geometry.clusterIndex(geometry.guestOffset(l1Index, 0));
        long end = Math.min(clusters, first + geometry.l2Entries());
        long overBacking = Math.clamp(clustersBelow - first, 0, end - first);
        below += overBacking;
        empty += end - first - overBacking;
    }

    private void scanTables(long[] l1, int perTable) {
        for (int index = 0; index < l1.length; index++) {
            if (L2Entry.hostOffset(l1[index]) != 0) {
                look((long) index * perTable, perTable);
            }
        }
    }

    /** Looks at each {@code stride}th of the slices that are there. */
    private void scanSome(long[] l1, int perTable, long stride) {
        long passed = 0;
        long next = 0;
        for (int index = 0; index < l1.length; index++) {
            if (L2Entry.hostOffset(l1[index]) == 0) {
                continue;
            }
            for (; next < passed + perTable; next += stride) {
                look((long) index * perTable + (next - passed), 1);
            }
            passed += perTable;
        }
    }

    private void look(long first, int count) {
        TableSlice[] slices;
        try {
            slices = tables.load(first, count);
        } catch (BlockException _) {
            slices = new TableSlice[0];
        }
        slicesSeen += count;
        for (int i = 0; i < count; i++) {
            long cluster = (first + i) * geometry.sliceEntries();
            int entries = Math.clamp(clusters - cluster, 0, geometry.sliceEntries());
            if (slices.length == 0) {
                broken += entries;
                continue;
            }
            sliceMemory += slices[i].memory();
            for (int index = 0; index < entries; index++) {
                count(slices[i], index, cluster + index);
            }
        }
    }

    private void count(TableSlice slice, int index, long cluster) {
        long entry = slice.entry(index);
        boolean extended = geometry.extendedL2();
        long bitmap = extended ? slice.bitmap(index) : 0;
        switch (L2Entry.kind(entry, extended, hasDataFile)) {
            case UNALLOCATED -> {
                if (extended && bitmap >>> Geometry.SUBCLUSTERS != 0) {
                    zeros++;
                } else {
                    countUnallocated(cluster);
                }
            }
            case NORMAL -> countPlaced(entry, L2Entry.holdsData(entry, bitmap, extended));
            case ZERO_PLAIN -> zeros++;
            case ZERO_ALLOCATED -> countPlaced(entry, false);
            case COMPRESSED -> compressed++;
        }
    }

    private void countUnallocated(long cluster) {
        if (cluster < clustersBelow) {
            below++;
        } else {
            empty++;
        }
    }

    private void countPlaced(long entry, boolean holdsData) {
        long host = L2Entry.hostOffset(entry);
        if (!geometry.isAligned(host)) {
            broken++;
            return;
        }
        if (L2Entry.isCopied(entry)) {
            own++;
        } else {
            shared++;
        }
        if (holdsData) {
            data++;
            runs += host == nextHost ? 0 : 1;
            nextHost = host + geometry.clusterSize();
        }
    }

    private MappingReport report(long holes, long holesBelow, long slices) {
        long perSlice = slicesSeen == 0 ? 0 : sliceMemory / slicesSeen;
        return new MappingReport(
                slicesSeen == slices,
                scaled(own, slices),
                scaled(shared, slices),
                scaled(compressed, slices),
                scaled(zeros, slices),
                scaled(below, slices) + holesBelow,
                scaled(empty, slices) + holes,
                scaled(broken, slices),
                scaled(runs, slices),
                scaled(data, slices),
                geometry.clusterOffset(tablesThere),
                TableCache.bytesFor(slices, perSlice),
                TableCache.bytesFor(
                        geometry.l1EntriesFor(geometry.clusterOffset(clusters))
                                * geometry.slicesPerTable(),
                        TableSlice.memoryMost(geometry)),
                cacheBound);
    }

    /** What a number would be if all slices were looked at. */
    private long scaled(long seen, long slices) {
        return slicesSeen == slices ? seen : (long) ((double) seen / slicesSeen * slices);
    }
}
