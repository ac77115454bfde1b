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
            long start = geometry.clusterOffset(head.number());
            long copied = 0;
            if (head.isWhole()) {
                CachedCluster last = run.getLast();
                long length = geometry.clusterOffset(last.number() - head.number()) + last.length();
                writePath.write(on, start, head.memory(length));
            } else {
                MemorySegment cluster = head.memory(geometry.clusterSize());
                copied = writePath.writeParts(on, start, cluster, head.present());
            }
            for (CachedCluster each : run) {
                tally.left(each, copied, run.size() > 1);
            }
            remove(run); // Q15: the tables lead to its bytes now.
            return run.size();
        } finally {
            run.forEach(CachedCluster::endTurn);
        }
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
