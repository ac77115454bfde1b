package dev.gaur.format.qcow2;

import dev.gaur.block.BlockEvent;
import dev.gaur.block.BlockException;
import dev.gaur.block.Durability;
import dev.gaur.block.StorageNode;
import dev.gaur.format.qcow2.ClusterAllocator.Taken;
import dev.gaur.format.qcow2.WritePath.Plan;
import dev.gaur.sync.RangeLock;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.function.ObjLongConsumer;
import org.jspecify.annotations.Nullable;

/**
 * Gives several cached clusters, from all over the disk, new places that follow each other in the
 * file, so that they are one write there: a file takes a large one in less time than many small
 * ones. Each is otherwise moved as if by itself: count, data, pointer.
 *
 * <p>Locks: claims on all of them; but for the first one only those that need no waiting, for
 * nobody waits for a claim who has one. Safe for many threads.
 */
final class JoinedMoves {
    /** So much is one write; more of it gains little, and takes more from who might fill it. */
    private static final int BYTES = 256 << 10;

    /** Claims are made for some dozens at once. */
    private static final int MOST = 16;

    private final WritePath path;
    private final Geometry geometry;
    private final StorageNode data;
    private final int atOnce;
    private final ClusterAllocator allocator;
    private final RangeLock claims;
    private final CowAround around;
    private final EarlyWrites early;

    JoinedMoves(
            WritePath path,
            Geometry geometry,
            StorageNode file,
            StorageNode data,
            ClusterAllocator allocator,
            RangeLock claims,
            CowAround around,
            EarlyWrites early) {
        this.path = path;
        this.geometry = geometry;
        this.data = data;
        this.allocator = allocator;
        this.claims = claims;
        this.around = around;
        this.early = early;
        // A data file has its own order; and of subclusters some only are moved.
        boolean joins = data == file && !geometry.extendedL2();
        this.atOnce = joins ? Math.clamp(BYTES / geometry.clusterSize(), 1, MOST) : 1;
    }

    /** How many are moved at once at most. */
    int atOnce() {
        return atOnce;
    }

    /**
     * Moves the first ones of a run, as far as they need new places that are filled.
     *
     * @param run clusters that lie behind each other in memory; who calls has their turns
     * @param moved is told of each once the tables lead to it, and how many bytes were read for it
     * @return how many were moved; 0 if the first one would be by itself, which is not done here
     */
    int move(View view, List<CachedCluster> run, ObjLongConsumer<CachedCluster> moved) {
        List<Move> moves = new ArrayList<>(run.size());
        try {
            for (CachedCluster each : run) {
                if (!prepare(view, each, moves)) {
                    break;
                }
            }
            return moves.size() < 2 ? 0 : moveAll(view, moves, moved);
        } finally {
            for (int i = 0; i < moves.size(); i++) { // Needs no memory: claims have to end.
                moves.get(i).claim().close();
            }
        }
    }

    /** What is known of a cluster that moves. */
    private record Move(CachedCluster cluster, RangeLock.Claim claim, Plan plan) {}

    /**
     * Claims a cluster and looks what is to be done with it; returns whether it can join others.
     */
    private boolean prepare(View view, CachedCluster cluster, List<Move> moves) {
        long start = start(cluster);
        int size = geometry.clusterSize();
        RangeLock.Claim claim =
                moves.isEmpty() ? claims.claim(start, size) : claims.tryClaim(start, size);
        if (claim == null) {
            return false;
        }
        boolean joins = false;
        try {
            Plan plan = plan(view, cluster);
            joins = plan != null && moves.add(new Move(cluster, claim, plan));
            return joins;
        } finally {
            if (!joins) {
                claim.close();
            }
        }
    }

    private long start(CachedCluster cluster) {
        return geometry.clusterOffset(cluster.number());
    }

    /** Plans the move of a whole cluster; null if it is none. */
    private @Nullable Plan plan(View view, CachedCluster cluster) {
        ByteRanges parts = cluster.present();
        int from = parts.next(0);
        int end = from;
        for (int at = from; at >= 0; at = parts.next(end)) {
            end = parts.endOf(at);
        }
        long start = start(cluster);
        Plan plan = path.plan(view, start + from, start + end);
        if (plan == null || plan.reused() != 0 || plan.copyIsZero()) {
            return null;
        }
        return plan.cow().length() == geometry.clusterSize() ? plan : null;
    }

    private int moveAll(View view, List<Move> moves, ObjLongConsumer<CachedCluster> moved) {
        CachedCluster head = moves.getFirst().cluster();
        long[] copied = new long[moves.size()];
        Taken taken = path.takePlace(moves.getFirst().plan(), start(head), 0, moves.size());
        int end = (int) taken.clusters();
        int done = 0;
        boolean linking = false;
        try {
            path.checkNotMetadata(taken.hostOffset(), geometry.clusterOffset(end));
            int unread = end - fillAll(view, moves, end, copied);
            end -= unread;
            free(taken, end, unread);
            write(taken, head, end);
            while (done < end) {
                Move each = moves.get(done);
                linking = true;
                link(view, each.plan(), taken, done);
                linking = false;
                done++;
                moved.accept(each.cluster(), copied[done - 1]);
            }
            return end;
        } catch (RuntimeException | Error failure) {
            // Where memory ran out while linking the table may have the place already.
            int kept = linking && failure instanceof Error ? done + 1 : done;
            free(taken, kept, end - kept);
            throw failure;
        }
    }

    private void free(Taken taken, int first, int count) {
        if (count > 0) {
            allocator.free(taken.hostOffset() + geometry.clusterOffset(first), count);
        }
    }

    /** Reads what is missing; returns how many are whole then. What fails is for who is alone. */
    private int fillAll(View view, List<Move> moves, int count, long[] copied) {
        int size = geometry.clusterSize();
        for (int i = 0; i < count; i++) {
            CachedCluster each = moves.get(i).cluster();
            try {
                MemorySegment bytes = each.memory(size);
                copied[i] = around.fillGaps(view, start(each), bytes, 0, size, each.present());
            } catch (BlockException _) {
                return i;
            }
        }
        return count;
    }

    private void write(Taken taken, CachedCluster head, int count) {
        if (count > 0) {
            long length = geometry.clusterOffset(count);
            path.tell(BlockEvent.WRITE_AIO);
            data.write(taken.hostOffset(), head.memory(length), Durability.CACHED);
            early.written(taken.hostOffset(), length);
        }
    }

    private void link(View view, Plan plan, Taken taken, int index) {
        long place = taken.hostOffset() + geometry.clusterOffset(index);
        // What is copied is not zero, else it would not join: the link waits until it is stable.
        path.link(view, plan.cow(), new Taken(place, 1, taken.fresh()), true);
    }
}
