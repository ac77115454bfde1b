package dev.gaur.format.qcow2;

import dev.gaur.block.BlockEvent;
import dev.gaur.block.BlockException;
import dev.gaur.block.Durability;
import dev.gaur.block.StorageNode;
import dev.gaur.block.ZeroMode;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Hands out host clusters of an image open for writing and takes them back. A cluster is counted
 * before anybody gets it (Q1), and comes here to be freed only when nothing in the file points to
 * it any more (Q3).
 *
 * <p>Free clusters are used from the lowest on. Behind all that is used the file grows in steps:
 * the clusters of a step are counted, and the file made longer, at once, so that most allocations
 * need no count to become stable first. What is left of a step is given back by {@link #close};
 * after a crash it is leaked.
 *
 * <p>Locks: its own, which guards counts and free clusters; held during reads of refcount blocks.
 * Safe for many threads.
 */
final class ClusterAllocator {
    /**
     * Clusters that somebody has.
     *
     * @param hostOffset of the first byte
     * @param clusters how many, one behind the other
     * @param fresh nobody had them before: they read as zeros
     */
    record Taken(long hostOffset, long clusters, boolean fresh) {}

    private final StorageNode file;
    private final Geometry geometry;
    private final Refcounts refcounts;
    private final ClusterSet metadata;
    private final Health health;
    private final ReentrantLock lock = new ReentrantLock();
    private final FreeMap map = new FreeMap();
    private FreedClusters freed = (_, _) -> {};

    /** What is left of the step: counted, but nobody has it. */
    private long stepNext;

    private long stepEnd;

    private final FileEnd end;
    private final FreeSpace space;

    ClusterAllocator(
            StorageNode file,
            Geometry geometry,
            Refcounts refcounts,
            ClusterSet metadata,
            Health health) {
        this.file = file;
        this.geometry = geometry;
        this.refcounts = refcounts;
        this.metadata = metadata;
        this.health = health;
        this.end = new FileEnd(file, geometry);
        this.space = new FreeSpace(map, refcounts, geometry, end);
    }

    /** Runs what keeps counts and free clusters in step. */
    private <T> T inTurn(Supplier<T> work) {
        lock.lock();
        try {
            return work.get();
        } catch (Error failed) { // No memory, say: they may differ now, so nobody uses them.
            health.fail(failed);
            throw failed;
        } finally {
            lock.unlock();
        }
    }

    private void inTurn(Runnable work) {
        inTurn(
                () -> {
                    work.run();
                    return true;
                });
    }

    /** The lock that guards {@link #refcounts}. */
    ReentrantLock lock() {
        return lock;
    }

    /** The counts; only for who holds the lock. */
    Refcounts refcounts() {
        return refcounts;
    }

    /**
     * Takes up to {@code most} clusters that lie behind each other, and counts them.
     *
     * @throws BlockException.Media if the file cannot grow
     */
    Taken take(long most) {
        file.event(BlockEvent.CLUSTER_ALLOC);
        return takeUntold(most);
    }

    /** The same for who has told another event. */
    Taken takeUntold(long most) {
        return inTurn(
                () -> {
                    Taken taken = takeRecycled(most);
                    while (taken == null && space.tail() < 0) {
                        scanNextBlock();
                        taken = takeRecycled(most);
                    }
                    if (taken == null) {
                        taken = takeFromStep(most);
                    }
                    checkNotMetadata(taken);
                    return taken;
                });
    }

    /**
     * Takes clusters that lie behind each other, exactly so many, and counts them.
     *
     * @throws BlockException.Media if the file cannot grow
     */
    Taken takeRun(long clusters) {
        file.event(BlockEvent.CLUSTER_ALLOC);
        return inTurn(
                () -> {
                    while (space.tail() < 0) {
                        scanNextBlock();
                    }
                    long first = map.findRun(clusters, space.tail());
                    boolean fresh = first < 0 || missingBlocks(first, first + clusters) > 0;
                    if (fresh) {
                        first = growRun(clusters);
                    } else {
                        refcounts.add(first, clusters, 1);
                        map.take(first, clusters);
                    }
                    Taken taken = new Taken(geometry.clusterOffset(first), clusters, fresh);
                    checkNotMetadata(taken);
                    return taken;
                });
    }

    /** Makes the file longer by a run, and by the blocks it needs, which lie before it. */
    private long growRun(long clusters) {
        giveBackStep();
        long blocks = 0;
        long first;
        long end;
        do {
            first = space.tail();
            end = first + blocks + clusters;
            long missing = missingBlocks(first, end);
            boolean fits = indexOf(end - 1) < refcounts.tableEntries();
            if (fits && missing <= blocks) {
                break;
            }
            if (!fits) {
                long entries = indexOf(end - 1) + 1;
                growTable(entries);
            }
            blocks = missing;
        } while (true);
        this.end.grow(end);
        reserve(first, blocks);
        map.extend(end);
        long at = addBlocks(first, end);
        refcounts.add(first, at - first, 1);
        refcounts.add(end - clusters, clusters, 1);
        map.take(first, at - first);
        map.take(end - clusters, clusters);
        space.endAt(end);
        stepNext = end;
        stepEnd = end;
        return end - clusters;
    }

    private @Nullable Taken takeRecycled(long most) {
        long end = Math.min(space.tail() < 0 ? map.known() : space.tail(), countable());
        long first = map.find(most, end);
        if (first < 0) {
            return null;
        }
        long blockEnd = endOfBlock(first);
        if (refcounts.blockOffset(geometry.refcountTableIndex(first)) == 0) {
            // A hole in the table: its block takes the first of its clusters.
            addBlock(first);
            return takeRecycled(most);
        }
        long count = map.runLength(first, most, Math.min(end, blockEnd));
        refcounts.add(first, count, 1);
        map.take(first, count);
        return new Taken(geometry.clusterOffset(first), count, false);
    }

    /** How many clusters the table has blocks for, or room for blocks; a file may have more. */
    private long countable() {
        return (long) refcounts.tableEntries() * geometry.refcountsPerBlock();
    }

    private long endOfBlock(long cluster) {
        long perBlock = geometry.refcountsPerBlock();
        return (cluster / perBlock + 1) * perBlock;
    }

    private void addBlock(long cluster) {
        reserve(cluster, 1);
        map.take(cluster, 1);
        refcounts.addBlock(Math.toIntExact(geometry.refcountTableIndex(cluster)), cluster);
        refcounts.add(cluster, 1, 1);
    }

    /** Makes all blocks that clusters lack, from the first of them on; returns the next one. */
    private long addBlocks(long first, long end) {
        long at = first;
        for (long index = indexOf(first); index <= indexOf(end - 1); index++) {
            if (refcounts.blockOffset(index) == 0) {
                refcounts.addBlock((int) index, at++);
            }
        }
        return at;
    }

    /**
     * Sees to it that unused clusters have space, so that what is written there later does not find
     * the disk full.
     */
    private void reserve(long first, long clusters) {
        if (clusters > 0) {
            long bytes = geometry.clusterOffset(clusters);
            file.zero(geometry.clusterOffset(first), bytes, ZeroMode.KEEP, Durability.CACHED);
        }
    }

    /** Looks at the counts of one more block; after the last one it is known where all ends. */
    private void scanNextBlock() {
        if (space.scanNext()) {
            stepNext = space.tail();
            stepEnd = space.tail();
        }
    }

    /**
     * Keeps clusters, one behind the other, for one user who does not want them counted.
     *
     * @return the first, or -1 if there are none
     */
    long hold(long clusters) {
        return inTurn(
                () -> {
                    if (space.tail() < 0 && space.holdBehindFile(clusters)) {
                        return space.held();
                    }
                    while (space.tail() < 0) {
                        scanNextBlock();
                    }
                    return space.holdAnywhere(clusters) ? space.held() : -1;
                });
    }

    /** Keeps certain clusters, which are not counted, for their user. */
    void hold(long first, long clusters) {
        lock.lock();
        try {
            space.hold(first, clusters);
        } finally {
            lock.unlock();
        }
    }

    /** Gives back what is held. */
    void release() {
        inTurn(space::release);
    }

    /** Runs something while counts are as if nobody had what is left of the step. */
    void withoutStep(Consumer<Refcounts> work) {
        inTurn(
                () -> {
                    refcounts.add(stepNext, stepEnd - stepNext, -1);
                    try {
                        work.accept(refcounts);
                    } finally { // Q1: they are about to be used.
                        refcounts.add(stepNext, stepEnd - stepNext, 1);
                    }
                });
    }

    private Taken takeFromStep(long most) {
        if (stepNext == stepEnd) {
            step(most);
        }
        long count = Math.min(most, stepEnd - stepNext);
        Taken taken = new Taken(geometry.clusterOffset(stepNext), count, true);
        stepNext += count;
        return taken;
    }

    /** Makes the file longer, and counts what it got. */
    private void step(long least) {
        if (geometry.refcountTableIndex(space.tail()) >= refcounts.tableEntries()) {
            growTable(0);
        }
        long wanted = Math.max(least, end.step(space.tail()));
        long first = space.tail();
        boolean needsBlock = refcounts.blockOffset(geometry.refcountTableIndex(first)) == 0;
        long block = needsBlock ? 1 : 0;
        long best = Math.min(first + wanted + block, endOfBlock(first));
        long stop = end.grow(first + 1 + block, best);
        map.extend(stop);
        if (needsBlock) {
            addBlock(first++);
        }
        refcounts.add(first, stop - first, 1);
        map.take(first, stop - first);
        stepNext = first;
        stepEnd = stop;
        space.endAt(stop);
    }

    /**
     * Moves the refcount table to the end of the file, with room for the block of the space.tail().
     *
     * @param least how many entries it must have room for
     */
    private void growTable(long least) {
        file.event(BlockEvent.REFTABLE_GROW);
        long first = space.tail();
        long entries = Math.max(refcounts.tableEntries() * 3L / 2, indexOf(first) + 1);
        entries = Math.max(entries, least);
        int perCluster = geometry.tableEntriesPerCluster();
        int clusters;
        long blocks = 0;
        while (true) {
            clusters = Math.toIntExact(Math.ceilDiv(entries, perCluster));
            long end = first + blocks + clusters;
            long needed = missingBlocks(first, end);
            long entriesNeeded = indexOf(end - 1) + 1;
            if (needed == blocks && entriesNeeded <= (long) clusters * perCluster) {
                break;
            }
            blocks = needed;
            entries = Math.max(entries, entriesNeeded);
        }
        Tables.checkRefcountTable(file, (long) clusters * perCluster);
        long end = first + blocks + clusters;
        this.end.grow(end);
        reserve(first, end - first);
        refcounts.writeBack(); // So that nothing but what has space is left to be written.
        int length = clusters;
        health.orFail(() -> moveTable(first, end, length));
    }

    private void moveTable(long first, long end, int clusters) {
        refcounts.extendInMemory(clusters * geometry.tableEntriesPerCluster());
        long at = addBlocks(first, end);
        map.extend(end);
        refcounts.add(first, end - first, 1);
        map.take(first, end - first);
        space.endAt(end);
        stepNext = end;
        stepEnd = end;
        Header before = refcounts.header();
        refcounts.moveTable(at, clusters);
        long old = geometry.clusterIndex(before.refcountTableOffset());
        metadata.remove(old, before.refcountTableClusters());
        file.event(BlockEvent.CLUSTER_FREE);
        decrease(old, before.refcountTableClusters());
    }

    private long indexOf(long cluster) {
        return geometry.refcountTableIndex(cluster);
    }

    private long missingBlocks(long first, long end) {
        long missing = 0;
        for (long index = indexOf(first); index <= indexOf(end - 1); index++) {
            missing += refcounts.blockOffset(index) == 0 ? 1 : 0;
        }
        return missing;
    }

    /** A cluster with count zero in which metadata lies: the counts are wrong. */
    private void checkNotMetadata(Taken taken) {
        long first = geometry.clusterIndex(taken.hostOffset());
        if (first == 0 || metadata.containsAny(first, taken.clusters())) {
            throw health.corrupt(
                    "refcounts",
                    taken.hostOffset(),
                    "clusters that hold metadata are counted as free");
        }
    }

    /**
     * Adds a reference to a cluster that is in use.
     *
     * @return false if it is not, or if no more references can be counted
     */
    boolean increase(long hostOffset) {
        return inTurn(
                () -> {
                    long cluster = geometry.clusterIndex(hostOffset);
                    long count = refcounts.get(cluster);
                    if (count == 0 || count == geometry.refcountMax()) {
                        return false;
                    }
                    refcounts.add(cluster, 1, 1);
                    return true;
                });
    }

    /** Tells whether a cluster is counted once. */
    boolean isLastReference(long cluster) {
        return inTurn(() -> refcounts.get(cluster) == 1);
    }

    /** Gives back references that nothing in the file has any more (Q3), or never had. */
    void free(long hostOffset, long clusters) {
        file.event(BlockEvent.CLUSTER_FREE);
        inTurn(() -> decrease(geometry.clusterIndex(hostOffset), clusters));
    }

    private void decrease(long first, long count) {
        refcounts.add(first, count, -1);
        long end = first + count;
        for (long at = first; at < end; ) {
            int index = Math.toIntExact(indexOf(at));
            CountBlock block = refcounts.block(index);
            int from = geometry.refcountBlockIndex(at);
            int stop = (int) Math.min(from + end - at, geometry.refcountsPerBlock());
            int zero = block.nextZero(from, stop);
            int zeroEnd = block.nextOther(zero, stop, 0);
            if (zero < zeroEnd) {
                nowFree(at + zero - from, zeroEnd - zero);
            }
            at += zeroEnd - from;
        }
    }

    private void nowFree(long first, long count) {
        long known = Math.min(count, map.known() - first);
        if (known > 0) { // The others are looked at when they are needed.
            map.free(first, known);
        }
        freed.accept(first, count);
    }

    /** Is told of clusters that are free now: the first, and how many. */
    void setFreed(FreedClusters listener) {
        freed = listener;
    }

    /** Adds to the counts of clusters; see {@link Refcounts#addWhilePossible}. */
    long increaseWhilePossible(long first, long count) {
        return inTurn(() -> refcounts.addWhilePossible(first, count, 1));
    }

    /** Gives back what is left of the last step; {@link #cut} is due when its counts are stable. */
    void close() {
        inTurn(this::giveBackStep);
    }

    /**
     * Lets the file end behind what is in use. Counts come first: what is counted behind the end of
     * a file no repair finds unless it is dirty, and when the file grows again it is leaked.
     */
    void cut() {
        inTurn(() -> end.cut(map.end()));
    }

    private void giveBackStep() {
        if (stepNext < stepEnd) {
            refcounts.add(stepNext, stepEnd - stepNext, -1);
            map.free(stepNext, stepEnd - stepNext);
            stepEnd = stepNext;
        }
    }
}
