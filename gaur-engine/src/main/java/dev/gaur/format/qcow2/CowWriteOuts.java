package dev.gaur.format.qcow2;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * How cached clusters leave: whole ones with those beside them that are whole, too, in one write.
 *
 * <p>Locks: the turns of the clusters that leave, in the order of the disk but for the first one,
 * then claims; then the cache's, which guards queues and memory. Safe for many threads.
 */
final class CowWriteOuts {
    private final Geometry geometry;
    private final WritePath writePath;
    private final CowTally tally;
    private final CowMemory memory;
    private final CowTable table;
    private final ReentrantLock lock;

    /**
     * @param lock guards the memory and the queues
     */
    CowWriteOuts(
            Geometry geometry,
            WritePath writePath,
            CowTally tally,
            CowMemory memory,
            CowTable table,
            ReentrantLock lock) {
        this.geometry = geometry;
        this.writePath = writePath;
        this.tally = tally;
        this.memory = memory;
        this.table = table;
        this.lock = lock;
    }

    /**
     * Brings a cluster to the file, and those beside it that are whole as it is. They leave only
     * when the tables lead to their bytes.
     *
     * @return how many have left
     */
    int writeOut(@Nullable View on, CachedCluster first) {
        List<CachedCluster> run = takeTurns(first);
        try {
            if (run.isEmpty()) {
                return 0;
            }
            if (on == null) {
                throw new AssertionError("cached without a view");
            }
            CachedCluster head = run.getFirst();
            if (head.isWhole()) {
                writeWhole(on, run);
            } else {
                long start = geometry.clusterOffset(head.number());
                MemorySegment cluster = head.memory(geometry.clusterSize());
                leave(run, writePath.writeParts(on, start, cluster, head.present()));
            }
            return run.size();
        } finally {
            run.forEach(CachedCluster::endTurn);
        }
    }

    /** If that fails half-way, those leave that are in the file. */
    private void writeWhole(View on, List<CachedCluster> run) {
        CachedCluster head = run.getFirst();
        CachedCluster last = run.getLast();
        long start = geometry.clusterOffset(head.number());
        long length = geometry.clusterOffset(last.number() - head.number()) + last.length();
        MemorySegment bytes = head.memory(length);
        long done = 0;
        try {
            while (done < length) {
                done += writePath.writeSome(on, start + done, bytes.asSlice(done));
            }
        } finally {
            int count = done == length ? run.size() : (int) geometry.clusterIndex(done);
            leave(run.subList(0, count), 0);
        }
    }

    /** Q15: the tables lead to the bytes of clusters now. */
    private void leave(List<CachedCluster> clusters, long copied) {
        for (CachedCluster each : clusters) {
            tally.left(each, copied, clusters.size() > 1);
        }
        remove(clusters);
    }

    /** The number of the last cluster that would leave together with one, as far as is known. */
    long lastWith(CachedCluster first) {
        CachedCluster last = first;
        CachedCluster next = first.isWhole() ? table.find(first.number() + 1) : null;
        while (next != null && next.isWhole() && memory.follows(next.slot(), last.slot())) {
            last = next;
            next = table.find(last.number() + 1);
        }
        return last.number();
    }

    /** Takes the turns of those that leave together, in the order of the disk; none if gone. */
    private List<CachedCluster> takeTurns(CachedCluster first) {
        // All memory that this needs comes first: nobody would end a turn that was lost.
        boolean many = first.isWhole();
        List<CachedCluster> run = new ArrayList<>(many ? memory.slotsPerChunk() : 1);
        first.takeTurn();
        if (first.isGone()) {
            first.endTurn();
            return List.of();
        }
        run.add(first);
        if (many) {
            CachedCluster next = first;
            while ((next = neighbour(next, -1)) != null) {
                run.addFirst(next);
            }
            next = first;
            while ((next = neighbour(next, 1)) != null) {
                run.add(next);
            }
        }
        return run;
    }

    /** Takes the turn of a neighbour, in disk and memory, if it is whole and nobody has it. */
    private @Nullable CachedCluster neighbour(CachedCluster of, int step) {
        CachedCluster other = table.find(of.number() + step);
        if (other == null || !other.isWhole()) {
            return null;
        }
        boolean follows =
                step > 0
                        ? memory.follows(other.slot(), of.slot())
                        : memory.follows(of.slot(), other.slot());
        if (!follows || !other.tryTurn()) {
            return null;
        }
        if (other.isGone()) {
            other.endTurn();
            return null;
        }
        return other;
    }

    /** Ends clusters, by who has their turns. */
    void remove(List<CachedCluster> clusters) {
        lock.lock();
        try {
            for (CachedCluster each : clusters) {
                CowQueue.remove(each);
                table.remove(each);
                each.end();
                memory.free(each.slot());
            }
        } finally {
            lock.unlock();
        }
    }
}
