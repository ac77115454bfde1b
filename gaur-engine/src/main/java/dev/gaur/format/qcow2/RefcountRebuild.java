package dev.gaur.format.qcow2;

import dev.gaur.block.BlockException;
import dev.gaur.block.StorageNode;
import dev.gaur.mem.BufferPool;
import java.lang.foreign.MemorySegment;
import java.util.ArrayDeque;
import java.util.Deque;
import org.jspecify.annotations.Nullable;

/**
 * Makes refcount table and blocks anew, all from what was counted in memory, in clusters that
 * nobody uses: not the content, and not the old structures, which stay untouched until one write of
 * the header replaces them. If that write never comes, the image is as it was.
 */
final class RefcountRebuild {
    /** There is no place for the new structures. */
    static final class NoRoom extends RuntimeException {
        private static final long serialVersionUID = 1;

        NoRoom() {
            super("there is no room for refcount structures", null, false, false);
        }
    }

    private static final int EFBIG = 27;
    private static final int REFCOUNT_TABLE_FIELD = 48;

    private final StorageNode storage;
    private final MetadataReader reader;
    private final MetadataWriter writer;
    private final Header header;
    private final Geometry geometry;
    private final ReferenceCounts content;
    private final ReferenceCounts taken;
    private final DiskCounts old;
    private final boolean keepOld;
    private final long growthMax;
    private final CheckLog log;

    /**
     * @param content references to all but refcount structures; those to the new ones are added
     * @param taken references from everything
     * @param old the stored counts
     * @param keepOld whether stored counts that are higher are kept where they can be read
     * @param growthMax how long the file may become
     */
    RefcountRebuild(
            StorageNode storage,
            MetadataReader reader,
            MetadataWriter writer,
            Header header,
            ReferenceCounts content,
            ReferenceCounts taken,
            DiskCounts old,
            boolean keepOld,
            long growthMax,
            CheckLog log) {
        this.storage = storage;
        this.reader = reader;
        this.writer = writer;
        this.header = header;
        this.geometry = header.geometry();
        this.content = content;
        this.taken = taken;
        this.old = old;
        this.keepOld = keepOld;
        this.growthMax = growthMax;
        this.log = log;
    }

    /** A new snapshot table that takes the old one's place in the same write of the header. */
    record NewSnapshots(MemorySegment bytes, int count) {}

    /**
     * Where everything is to lie: numbers of clusters.
     *
     * @param blocks for each entry of the table its block, 0 for none
     */
    private record Plan(
            long[] blocks, long tableCluster, int tableClusters, long snapshotCluster, long end) {}

    /** Hands out clusters that nobody uses, in ascending order. */
    private final class Room {
        private final long limit;
        private long next;

        Room(long start, long limit) {
            this.next = start;
            this.limit = limit;
        }

        long take(long clusters) {
            while (next + clusters <= limit) {
                if (taken.areUnused(next, next + clusters)) {
                    long first = next;
                    next += clusters;
                    return first;
                }
                next++;
            }
            throw new NoRoom();
        }

        long end() {
            return next;
        }
    }

    /**
     * Does it.
     *
     * @param start where nothing is referenced or counted any more
     * @param snapshots to be written, too
     * @return the counts that are stored now
     * @throws NoRoom if there is none
     * @throws BlockException.Media if a write failed; as with {@code NoRoom}, nothing has changed
     */
    DiskCounts run(long start, @Nullable NewSnapshots snapshots) {
        int snapshotClusters =
                snapshots == null ? 0 : (int) geometry.clustersFor(snapshots.bytes().byteSize());
        Plan plan = planWithRoom(start, snapshotClusters);
        count(plan, snapshotClusters);
        if (snapshots != null && snapshotClusters > 0) {
            writer.write(geometry.clusterOffset(plan.snapshotCluster()), snapshots.bytes());
        }
        DiskCounts stored = writeBlocks(plan);
        long tableOffset = geometry.clusterOffset(plan.tableCluster());
        long[] table = new long[plan.blocks().length];
        for (int i = 0; i < table.length; i++) {
            table[i] = geometry.clusterOffset(plan.blocks()[i]);
        }
        writer.writeNumbers(tableOffset, table, 0, table.length);
        log.stopIfCancelled();
        long clusters = (long) plan.tableClusters() << Integer.SIZE;
        if (snapshots == null) {
            long count = Integer.toUnsignedLong(header.snapshotCount());
            writer.switchHeader(REFCOUNT_TABLE_FIELD, tableOffset, clusters | count);
        } else {
            writer.switchHeader(
                    REFCOUNT_TABLE_FIELD,
                    tableOffset,
                    clusters | snapshots.count(),
                    geometry.clusterOffset(plan.snapshotCluster()));
        }
        return stored;
    }

    // ---- where

    /**
     * Behind everything, so that what is lost by other damage stays where it is; where the file
     * cannot grow, in between, unless something is known to be lost there.
     */
    private Plan planWithRoom(long start, int snapshotClusters) {
        try {
            Plan behind = plan(start, geometry.clusterIndex(growthMax), snapshotClusters);
            long end = geometry.clusterOffset(behind.end());
            if (end > storage.length()) {
                storage.resize(end);
            }
            return behind;
        } catch (BlockException.Media | NoRoom noRoom) {
            if (keepOld) {
                throw noRoom;
            }
            long clusters = geometry.clusterIndex(storage.length());
            return plan(1, clusters, snapshotClusters);
        }
    }

    private Plan plan(long start, long limit, int snapshotClusters) {
        int perTableCluster = geometry.tableEntriesPerCluster();
        long most = HeaderCodec.REFCOUNT_TABLE_BYTES_MAX / geometry.clusterSize();
        long ranges = geometry.refcountTableIndex(Math.max(content.highest(), 0)) + 1;
        long tableClusters = (ranges + perTableCluster - 1) / perTableCluster;
        while (tableClusters <= Math.max(1, most)) {
            Room room = new Room(start, limit);
            Plan plan = tryPlan(room, (int) tableClusters, snapshotClusters);
            if (plan != null) {
                return plan;
            }
            tableClusters++;
        }
        throw new BlockException.Media(
                storage.name(), "refcount table", -1, "would be larger than 8 MiB", EFBIG, null);
    }

    /** Returns null if the table is too short. */
    private @Nullable Plan tryPlan(Room room, int tableClusters, int snapshotClusters) {
        long[] blocks = new long[tableClusters * geometry.tableEntriesPerCluster()];
        long snapshotCluster = snapshotClusters == 0 ? 0 : room.take(snapshotClusters);
        long tableCluster = room.take(tableClusters);
        Deque<Long> ranges = new ArrayDeque<>();
        addRanges(ranges, tableCluster, tableClusters);
        addRanges(ranges, snapshotCluster, snapshotClusters);
        long used = geometry.refcountTableIndex(Math.max(content.clusters() - 1, 0)) + 1;
        for (long range = 0; range < used; range++) {
            if (isUsed(range)) {
                ranges.add(range);
            }
        }
        while (!ranges.isEmpty()) {
            long range = ranges.remove();
            if (range >= blocks.length) {
                return null;
            }
            if (blocks[(int) range] == 0) {
                long cluster = room.take(1);
                blocks[(int) range] = cluster;
                ranges.add(geometry.refcountTableIndex(cluster));
            }
        }
        return new Plan(blocks, tableCluster, tableClusters, snapshotCluster, room.end());
    }

    private void addRanges(Deque<Long> ranges, long firstCluster, int clusters) {
        for (int i = 0; i < clusters; i++) {
            ranges.add(geometry.refcountTableIndex(firstCluster + i));
        }
    }

    private boolean isUsed(long range) {
        long first = range * geometry.refcountsPerBlock();
        long end = first + geometry.refcountsPerBlock();
        if (!content.areUnused(first, end)) {
            return true;
        }
        for (long cluster = first; keepOld && cluster < end; cluster++) {
            if (kept(cluster) != 0) {
                return true;
            }
        }
        return false;
    }

    // ---- what

    private void count(Plan plan, int snapshotClusters) {
        content.growTo(plan.end());
        content.increment(plan.tableCluster(), plan.tableClusters());
        content.increment(plan.snapshotCluster(), snapshotClusters);
        for (long block : plan.blocks()) {
            if (block != 0) {
                content.increment(block, 1);
            }
        }
    }

    private DiskCounts writeBlocks(Plan plan) {
        long[] blocks = plan.blocks();
        long[] table = new long[blocks.length];
        for (int i = 0; i < blocks.length; i++) {
            table[i] = geometry.clusterOffset(blocks[i]);
        }
        DiskCounts stored = new DiskCounts(reader, geometry, table, content.clusters());
        MemorySegment block = BufferPool.allocate(geometry.clusterSize());
        for (int i = 0; i < blocks.length; i++) {
            if (blocks[i] != 0) {
                log.stopIfCancelled();
                long first = (long) i * geometry.refcountsPerBlock();
                encode(first, block);
                writer.write(table[i], block);
                stored.update(first, block);
            }
            log.listener().progress(i, blocks.length);
        }
        return stored;
    }

    private void encode(long first, MemorySegment block) {
        int order = geometry.refcountOrder();
        block.fill((byte) 0);
        for (int i = 0; i < geometry.refcountsPerBlock(); i++) {
            long cluster = first + i;
            long count = cluster < content.clusters() ? content.get(cluster) : 0;
            if (keepOld && Long.compareUnsigned(kept(cluster), count) > 0) {
                count = kept(cluster);
            }
            if (count != 0) {
                RefcountBlock.set(block, order, i, count);
            }
        }
    }

    private long kept(long cluster) {
        try {
            return old.get(cluster);
        } catch (BlockException _) {
            return 0;
        }
    }
}
