package dev.gaur.format.qcow2;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * How cached clusters leave: whole ones with those beside them that are whole, too, in one write,
 * and others with some that lie beside them in memory, wherever they belong in the disk.
 *
 * <p>Locks: the turn of the first cluster that leaves, then of others only what needs no waiting;
 * then claims; then the cache's, which guards queues and memory. Safe for many threads.
 */
final class CowWriteOuts {
    /** Of a small cache not too much leaves at once: it might have been filled. */
    private static final int GROUP_SHARE = 4;

    private final Geometry geometry;
    private final WritePath writePath;
    private final JoinedMoves joined;
    private final CowTally tally;
    private final CowMemory memory;
    private final CowTable table;
    private final ReentrantLock lock;
    private final CowQueue incomplete;
    private final int atOnce;

    /** A group could not leave: who of them can do so by itself is not to suffer for the others. */
    private volatile boolean apart;

    /**
     * @param lock guards the memory and the queues
     * @param incomplete where those wait that are not whole
     */
    CowWriteOuts(
            Geometry geometry,
            WritePath writePath,
            CowTally tally,
            CowMemory memory,
            CowTable table,
            ReentrantLock lock,
            CowQueue incomplete) {
        this.geometry = geometry;
        this.writePath = writePath;
        this.joined = writePath.joined();
        this.tally = tally;
        this.memory = memory;
        this.table = table;
        this.lock = lock;
        this.incomplete = incomplete;
        this.atOnce = Math.clamp(memory.slots() / GROUP_SHARE, 1, joined.atOnce());
    }

    /** The number of the group in memory of those that may leave together before they are whole. */
    int group(CachedCluster cluster) {
        return cluster.slot() / atOnce;
    }

    /**
     * Brings a cluster to the file, and those beside it that are whole as it is. They leave only
     * when the tables lead to their bytes.
     *
     * @param others whether others may leave with one that is not whole
     * @return how many have left
     */
    int writeOut(@Nullable View on, CachedCluster first, boolean others) {
        List<CachedCluster> run = takeTurns(first, others && !apart);
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
                return run.size();
            }
            int left = run.size() > 1 ? moveTogether(on, run) : 0;
            if (first.isGone()) {
                return left;
            }
            writeParts(on, first);
            return left + 1;
        } finally {
            if (run.size() > 1) {
                putBack(run, first);
            }
            endTurns(run);
        }
    }

    private void writeParts(View on, CachedCluster cluster) {
        long start = geometry.clusterOffset(cluster.number());
        MemorySegment bytes = cluster.memory(geometry.clusterSize());
        long copied = writePath.writeParts(on, start, bytes, cluster.present());
        leave(List.of(cluster), copied, false);
        apart = false;
    }

    /** Returns how many have left, which may be none. */
    private int moveTogether(View on, List<CachedCluster> run) {
        boolean failed = true;
        try {
            int left = joined.move(on, run, (each, copied) -> leave(List.of(each), copied, true));
            failed = false;
            return left;
        } finally {
            if (failed) {
                apart = true;
            }
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
            leave(run.subList(0, count), 0, count > 1);
        }
    }

    /** Q15: the tables lead to the bytes of clusters now. */
    private void leave(List<CachedCluster> clusters, long copied, boolean merged) {
        for (CachedCluster each : clusters) {
            tally.left(each, copied, merged);
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
    private List<CachedCluster> takeTurns(CachedCluster first, boolean others) {
        // All memory that this needs comes first: nobody would end a turn that was lost.
        boolean many = first.isWhole();
        int most = many ? memory.slotsPerChunk() : others ? atOnce : 1;
        List<CachedCluster> run = new ArrayList<>(most);
        run.add(first);
        first.takeTurn();
        if (first.isGone()) {
            first.endTurn();
            return List.of();
        }
        if (many) {
            CachedCluster next = first;
            while ((next = neighbour(next, -1)) != null) {
                run.addFirst(next);
            }
            next = first;
            while ((next = neighbour(next, 1)) != null) {
                run.add(next);
            }
        } else if (others && !first.isWhole()) {
            addGroup(run, first);
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

    /** Takes the turns of those around it in memory that are not whole, and that nobody has. */
    private void addGroup(List<CachedCluster> run, CachedCluster first) {
        int group = group(first);
        CachedCluster next = first;
        while ((next = besideInMemory(next, -1, group)) != null) {
            run.addFirst(next);
        }
        next = first;
        while ((next = besideInMemory(next, 1, group)) != null) {
            run.add(next);
        }
        lock.lock();
        try {
            for (int i = 0; i < run.size(); i++) { // Others choose others; needs no memory.
                if (run.get(i) != first) {
                    CowQueue.remove(run.get(i));
                }
            }
        } finally {
            lock.unlock();
        }
    }

    private @Nullable CachedCluster besideInMemory(CachedCluster of, int step, int group) {
        int slot = of.slot() + step;
        boolean joins = memory.follows(Math.max(slot, of.slot()), Math.min(slot, of.slot()));
        CachedCluster other = slot >= 0 && joins ? table.inSlot(slot) : null;
        if (other == null || group(other) != group || !other.tryTurn()) {
            return null;
        }
        if (other.isGone() || other.isWhole() || other.present().count() == 0) {
            other.endTurn();
            return null;
        }
        return other;
    }

    /** Needs no memory: nobody else would end them. */
    static void endTurns(List<CachedCluster> clusters) {
        for (int i = 0; i < clusters.size(); i++) {
            clusters.get(i).endTurn();
        }
    }

    /** Has those wait again that came with another one and did not leave. */
    private void putBack(List<CachedCluster> run, CachedCluster first) {
        lock.lock();
        try {
            for (int i = 0; i < run.size(); i++) {
                CachedCluster each = run.get(i);
                if (each != first && !each.isGone() && each.queue == null && !each.isWhole()) {
                    incomplete.add(each);
                }
            }
        } finally {
            lock.unlock();
        }
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
