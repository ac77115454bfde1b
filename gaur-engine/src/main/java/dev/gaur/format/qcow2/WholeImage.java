package dev.gaur.format.qcow2;

import dev.gaur.block.BlockException;
import dev.gaur.block.Durability;
import dev.gaur.block.StorageNode;
import dev.gaur.format.FormatOptions;
import dev.gaur.format.qcow2.ClusterAllocator.Taken;
import dev.gaur.mem.BufferPool;
import dev.gaur.mem.Bytes;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;

/**
 * An image that nobody reads or writes, all of which is in its file: what changes it as a whole
 * works with this. Whoever comes after makes everything in memory anew, so what went wrong before
 * anything in the file pointed to it costs space at most.
 *
 * <p>Used by one thread.
 */
final class WholeImage {
    private final StorageNode file;
    private final LiveHeader header;
    private final Geometry geometry;
    private final Health health;
    private final Refcounts refcounts;
    private final ClusterAllocator allocator;
    private final FormatOptions options;

    /** For trees, one at a time; there from the beginning, so that no change lacks it half-way. */
    private final MemorySegment tableBuffer;

    /** First byte and length of what is free, to be told to the file system; of full ones few. */
    private final List<long[]> freed = new ArrayList<>();

    private static final int FREED_MAX = 1 << 18;

    /** What nothing in the file leads to yet. */
    private final List<Taken> pending = new ArrayList<>();

    /**
     * @param health is failed when nobody knows what the file has
     */
    WholeImage(StorageNode file, LiveHeader header, Health health, FormatOptions options) {
        this.options = options;
        this.file = file;
        this.header = header;
        this.geometry = header.get().geometry();
        this.health = health;
        this.tableBuffer = BufferPool.allocate(geometry.clusterSize());
        ClusterSet metadata = new ClusterSet();
        long cacheBytes = CacheSizes.of(options, header.get()).countBytes();
        this.refcounts = new Refcounts(file, header, metadata, health, cacheBytes);
        this.allocator = new ClusterAllocator(file, geometry, refcounts, metadata, health);
        if (options.discard().passSnapshot()) {
            allocator.setFreed(this::noteFreed);
        }
        new MetadataPlaces(file, header.get(), metadata).addAll(activeL1(), refcounts);
    }

    StorageNode file() {
        return file;
    }

    LiveHeader header() {
        return header;
    }

    Geometry geometry() {
        return geometry;
    }

    Health health() {
        return health;
    }

    /** The counts: of what is in the file, and of what was taken and freed here. */
    Refcounts refcounts() {
        return refcounts;
    }

    /** Returns the active L1 table, entries for VM state included. */
    long[] activeL1() {
        Header now = header.get();
        return Tables.readEntries(file, "L1 table", now.l1TableOffset(), now.l1Entries());
    }

    /** Returns the L1 table of a snapshot, after checking where it is said to be. */
    long[] l1Of(SnapshotTable.Snapshot snapshot) {
        snapshot.checkL1(file.name(), geometry);
        int entries = (int) snapshot.l1Entries();
        return Tables.readEntries(file, snapshot.l1Name(), snapshot.l1Offset(), entries);
    }

    /** All that an L1 table leads to. */
    ClusterTree tree(String name, long[] l1) {
        return new ClusterTree(file, header.get(), name, l1, tableBuffer);
    }

    /** The same image after its header has changed; this one must not be used any more. */
    WholeImage again() {
        return new WholeImage(file, header, health, options);
    }

    // ---- clusters

    /** Takes clusters, one behind the other, for so many bytes; 0 bytes lie at offset 0. */
    long take(long bytes) {
        return bytes == 0 ? 0 : takeRun(geometry.clustersFor(bytes)).hostOffset();
    }

    /** Takes clusters, one behind the other. */
    Taken takeRun(long clusters) {
        freed.clear(); // Some of it may be in use again.
        Taken taken = allocator.takeRun(clusters);
        pending.add(taken);
        return taken;
    }

    /** Frees the clusters of so many bytes, which nothing in the file leads to any more (Q3). */
    void free(long hostOffset, long bytes) {
        if (bytes > 0) {
            allocator.free(hostOffset, geometry.clustersFor(bytes));
        }
    }

    /**
     * Counts all references of a tree once more, or, whatever happens, none of them.
     *
     * @return false if one of the counts cannot grow
     * @throws BlockException.Corrupt if one of them is zero: it would be one for two owners
     */
    boolean raise(ClusterTree tree) {
        long[] raised = {0};
        boolean all = false;
        try {
            all =
                    tree.references(
                            (first, count) -> {
                                requireCounted(first, count);
                                long done = allocator.increaseWhilePossible(first, count);
                                raised[0] += done;
                                return done == count;
                            });
        } finally {
            if (!all && raised[0] > 0) {
                lower(tree, raised[0]);
            }
        }
        return all;
    }

    private void requireCounted(long first, long count) {
        long counted = refcounts.countedFrom(first, count);
        if (counted < count) {
            throw new BlockException.Corrupt(
                    file.name(),
                    "refcounts",
                    geometry.clusterOffset(first + counted),
                    "a cluster in use is counted as free");
        }
    }

    /** Counts a cluster so many times more. */
    void raise(long hostOffset, long times) {
        for (long i = 0; i < times; i++) {
            if (!allocator.increase(hostOffset)) {
                throw new BlockException.Corrupt(
                        file.name(), "refcounts", hostOffset, "cannot count a cluster once more");
            }
        }
    }

    /** Takes back all references of a tree, which nothing in the file leads to any more (Q3). */
    void lower(ClusterTree tree) {
        lower(tree, Long.MAX_VALUE);
    }

    /** Takes back the reference to a table, and those from one of its entries on (Q3). */
    void lowerPart(ClusterTree tree, int l1Index, int from) {
        tree.references(
                l1Index,
                from,
                (first, count) -> {
                    allocator.free(geometry.clusterOffset(first), count);
                    return true;
                });
        allocator.free(tree.tableOffset(l1Index), 1);
    }

    private void lower(ClusterTree tree, long most) {
        long[] left = {most};
        tree.references(
                (first, count) -> {
                    long now = Math.min(count, left[0]);
                    if (now > 0) {
                        allocator.free(geometry.clusterOffset(first), now);
                    }
                    left[0] -= now;
                    return left[0] > 0;
                });
    }

    // ---- changes

    /** Runs what takes clusters, and writes to them; if it fails they are given back. */
    void prepare(Runnable work) {
        prepare(work, this::giveBack);
    }

    /**
     * Runs what comes before the one write that makes a change come to be. If it fails, but for a
     * flush, the image is as it was: at worst clusters are leaked, or it is dirty and so will be
     * repaired before its next change.
     *
     * @param undo takes back what was done
     */
    void prepare(Runnable work, Runnable undo) {
        try {
            work.run();
        } catch (RuntimeException | Error failed) {
            if (!health.isFailed()) {
                try {
                    undo.run();
                } catch (RuntimeException | Error again) {
                    failed.addSuppressed(again);
                }
            }
            throw failed;
        }
    }

    /** Gives back what was taken, which nothing in the file leads to. */
    void giveBack() {
        pending.forEach(each -> allocator.free(each.hostOffset(), each.clusters()));
        pending.clear();
        finish();
    }

    /** Makes a prepared change come to be, and frees what it made needless. */
    void change(Runnable work) {
        pending.clear();
        health.orFail(work);
    }

    // ---- the file

    /** Writes a table of big-endian numbers. */
    void writeTable(long hostOffset, long[] entries) {
        if (entries.length > 0) {
            var bytes = MemorySegment.ofArray(new byte[entries.length * Long.BYTES]);
            Bytes.putU64(bytes, 0, entries, 0, entries.length);
            file.write(hostOffset, bytes, Durability.CACHED);
        }
    }

    /** Makes all counts, and all that was written, stable. */
    void commit() {
        refcounts.writeBack();
        flush();
    }

    /** Makes all that was written stable. */
    void flush() {
        health.flush(file);
    }

    /**
     * Says, in the file too, that counts and flags may contradict each other: whoever finds that
     * after a crash repairs the image before writing to it. Version 2 has no way to say it.
     */
    void setDirty(boolean dirty) {
        if (header.get().version() >= 3) {
            health.orFail(() -> header.setIncompatible(Header.DIRTY, dirty));
        }
    }

    /** Ends the work: the file has all, and its space that is free is given back. */
    void finish() {
        allocator.close();
        commit();
        allocator.cut();
        try {
            for (long[] each : freed) {
                long length = Math.min(each[1], file.length() - each[0]);
                if (length > 0) {
                    file.discard(each[0], length);
                }
            }
        } catch (BlockException _) {
            // It would have been nice, but nothing depends on it.
        }
        freed.clear();
    }

    private void noteFreed(long first, long count) {
        long offset = geometry.clusterOffset(first);
        long length = geometry.clusterOffset(count);
        long[] last = freed.isEmpty() ? new long[] {-1, 0} : freed.getLast();
        if (last[0] + last[1] == offset) {
            last[1] += length;
        } else if (freed.size() < FREED_MAX) {
            freed.add(new long[] {offset, length});
        }
    }

    /**
     * Drops refcount blocks that count nothing, and cuts the file behind the last cluster in use.
     * All counts are in the file.
     */
    void trim() {
        List<Long> dropped = refcounts.dropEmptyBlocks();
        dropped.forEach(cluster -> allocator.free(geometry.clusterOffset(cluster), 1));
        commit();
        long end = geometry.clusterOffset(refcounts.end());
        if (end < file.length()) {
            try {
                file.resize(end);
            } catch (BlockException.Media _) {
                // A block device cannot, and nothing depends on it.
            }
            flush();
        }
    }
}
