package dev.gaur.format.qcow2;

import dev.gaur.block.BlockEvent;
import dev.gaur.block.BlockNode;
import dev.gaur.block.Durability;
import dev.gaur.block.StorageNode;
import dev.gaur.block.ZeroNode;
import dev.gaur.format.qcow2.ClusterAllocator.Taken;
import dev.gaur.mem.BufferPool;
import dev.gaur.sync.Epoch;
import dev.gaur.sync.RangeLock;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/**
 * Writes of the virtual disk. What belongs to this disk alone is overwritten in place, several
 * threads at once. All else gets new clusters: count, data, pointer; what the write does not cover
 * of them is read from what is visible now and written along, in one request.
 *
 * <p>Locks: a claim on the guest clusters that are allocated; two writers of one cluster take
 * turns, others don't meet.
 *
 * <p>Source: the specification, "Cluster mapping", "Extended L2 Entries".
 */
final class WritePath {
    /** Larger requests are not copied to get head and tail around them. */
    private static final int JOIN_BYTES = 256 << 10;

    private static final int BUFFERS_KEPT = 8;

    private final StorageNode file;
    private final StorageNode data;
    private final Geometry geometry;
    private final ClusterAllocator allocator;
    private final ClusterSet metadata;
    private final Linker linker;
    private final Epoch epoch;
    private final RangeLock claims;
    private final Health health;
    private final BufferPool buffers;
    private final CowAround around;
    private final FilledSpace space;
    private final EarlyWrites early;
    private final boolean watched;

    WritePath(
            StorageNode file,
            StorageNode data,
            Geometry geometry,
            ClusterAllocator allocator,
            ClusterSet metadata,
            Linker linker,
            Epoch epoch,
            RangeLock claims,
            Health health) {
        this.file = file;
        this.watched = file.isWatched();
        this.data = data;
        this.geometry = geometry;
        this.allocator = allocator;
        this.metadata = metadata;
        this.linker = linker;
        this.epoch = epoch;
        this.claims = claims;
        this.health = health;
        this.space = new FilledSpace(file);
        this.buffers = new BufferPool(Math.max(JOIN_BYTES, geometry.clusterSize()), BUFFERS_KEPT);
        this.around = new CowAround(file, epoch, buffers);
        this.early = new EarlyWrites(data);
    }

    /** How several cached clusters move at once. */
    JoinedMoves joined() {
        return new JoinedMoves(this, geometry, file, data, allocator, claims, around, early);
    }

    /** Writes all of {@code source}; visible when it returned. */
    void write(View view, long guestOffset, MemorySegment source) {
        long length = source.byteSize();
        for (long done = 0; done < length; ) {
            done += writeSome(view, guestOffset + done, part(source, done, length - done));
        }
    }

    /** Writes the first bytes of {@code source}; returns how many, perhaps none. */
    long writeSome(View view, long guestOffset, MemorySegment source) {
        long length = source.byteSize();
        long done = writeInPlace(view, guestOffset, source);
        return done == length
                ? done
                : done + allocate(view, guestOffset + done, part(source, done, length - done));
    }

    private static MemorySegment part(MemorySegment source, long from, long length) {
        return length == source.byteSize() ? source : source.asSlice(from, length);
    }

    void tell(BlockEvent event) {
        if (watched) {
            file.event(event);
        }
    }

    /** Overwrites what may be; returns how many bytes that was. */
    long writeInPlace(View view, long guestOffset, MemorySegment source) {
        long length = source.byteSize();
        long done = 0;
        while (done < length) {
            int ticket = epoch.enter(); // Until the bytes are there nobody else gets the place.
            try {
                Run run = view.map().findInPlace(guestOffset + done, length - done);
                if (run.length() == 0) {
                    return done;
                }
                checkNotMetadata(run.hostOffset(), run.length());
                MemorySegment bytes = part(source, done, run.length());
                tell(BlockEvent.WRITE_AIO);
                data.write(run.hostOffset(), bytes, Durability.CACHED);
                done += run.length();
            } finally {
                epoch.leave(ticket);
            }
        }
        return done;
    }

    /** Q5: guest data never goes where metadata lies. */
    void checkNotMetadata(long hostOffset, long length) {
        if (data == file && metadata.containsAnyOf(geometry, hostOffset, length)) {
            throw health.corrupt(
                    "data cluster", hostOffset, "guest data would overwrite metadata of the image");
        }
    }

    /** Writes the first clusters of a range that cannot be overwritten; returns how many bytes. */
    long allocate(View view, long guestOffset, MemorySegment source) {
        long sliceEnd = (geometry.sliceNumber(guestOffset) + 1) * sliceCoverage();
        long end = Math.min(guestOffset + source.byteSize(), sliceEnd);
        long first = geometry.alignDown(guestOffset);
        RangeLock.Claim claim = claims.claim(first, geometry.alignUp(end) - first);
        try {
            Plan plan = plan(view, guestOffset, end);
            if (plan == null) {
                return 0; // Somebody else was here first: it can be overwritten now.
            }
            long length = plan.cow().writeEnd() - guestOffset;
            place(view, plan, part(source, 0, length));
            return length;
        } finally {
            claim.close();
        }
    }

    private long sliceCoverage() {
        return geometry.clusterOffset(geometry.sliceEntries());
    }

    /**
     * What to write in one go.
     *
     * @param cow the guest's bytes and those around them
     * @param reused where the cluster lies already, or 0 for new ones
     * @param wasZero whether all of {@code cow} reads as zeros now
     * @param copyIsZero whether what is copied reads as zeros now
     */
    record Plan(CowPlan cow, long reused, boolean wasZero, boolean copyIsZero) {}

    @Nullable Plan plan(View view, long from, long end) {
        int ticket = epoch.enter();
        try {
            ClusterMap map = view.map();
            if (map.findInPlace(from, 1).length() > 0) {
                return null;
            }
            ClusterState first = map.state(from);
            ClusterState last = first;
            long stop = Math.min(end, geometry.alignDown(from) + geometry.clusterSize());
            while (!first.isReusable() && stop < end) {
                ClusterState next = map.state(stop);
                if (next.isReusable()) {
                    break;
                }
                last = next;
                stop = Math.min(end, stop + geometry.clusterSize());
            }
            return plan(view, first, last, from, stop);
        } finally {
            epoch.leave(ticket);
        }
    }

    private Plan plan(View view, ClusterState first, ClusterState last, long from, long end) {
        CowPlan cow = cow(view, first, last, from, end);
        boolean copyIsZero = copiesZeros(view, cow);
        boolean wasZero = copyIsZero && readsAsZero(view, cow.writeFrom(), cow.writeEnd());
        return new Plan(cow, first.isReusable() ? first.hostOffset() : 0, wasZero, copyIsZero);
    }

    private CowPlan cow(View view, ClusterState first, ClusterState last, long from, long end) {
        CowPlan cow = CowPlan.of(geometry, first, last, from, end);
        // A raw data file ends with the disk.
        return data == file ? cow : cow.endingBy(view.header().virtualSize());
    }

    private boolean copiesZeros(View view, CowPlan cow) {
        return readsAsZero(view, cow.from(), cow.writeFrom())
                && readsAsZero(view, cow.writeEnd(), cow.end());
    }

    /** Whether a write to a part of one cluster, if it came now, would have to read around it. */
    boolean copiesAround(View view, long from, long end) {
        int ticket = epoch.enter();
        try {
            if (view.map().findInPlace(from, 1).length() > 0) {
                return false;
            }
            ClusterState state = view.map().state(from);
            CowPlan cow = cow(view, state, state, from, end);
            return !cow.copiesNothing() && !copiesZeros(view, cow);
        } finally {
            epoch.leave(ticket);
        }
    }

    /** Whether the tables alone tell that a range of the disk reads as zeros. */
    boolean isKnownZero(View view, long from, long end) {
        int ticket = epoch.enter();
        try {
            return readsAsZero(view, from, end);
        } finally {
            epoch.leave(ticket);
        }
    }

    /** What the entry of a cluster says now; for who has a claim on it. */
    ClusterState state(View view, long guestOffset) {
        int ticket = epoch.enter();
        try {
            return view.map().state(guestOffset);
        } finally {
            epoch.leave(ticket);
        }
    }

    private boolean readsAsZero(View view, long from, long end) {
        long at = from;
        while (at < end) {
            Run run = view.map().find(at, end - at);
            boolean zero =
                    switch (run.kind()) {
                        case NORMAL, COMPRESSED -> false;
                        case ZERO_PLAIN, ZERO_ALLOCATED -> true;
                        case UNALLOCATED -> isBehindBacking(view, at);
                    };
            if (!zero) {
                return false;
            }
            at = run.end();
        }
        return true;
    }

    private static boolean isBehindBacking(View view, long guestOffset) {
        BlockNode backing = view.backing();
        return backing == ZeroNode.INSTANCE || backing.length() <= guestOffset;
    }

    private void place(View view, Plan plan, MemorySegment source) {
        CowPlan cow = plan.cow();
        long firstCluster = geometry.alignDown(cow.from());
        int clusters = (int) geometry.clusterIndex(geometry.alignUp(cow.end()) - firstCluster);
        long done = 0; // clusters
        while (done < clusters) {
            Taken taken = takePlace(plan, firstCluster, done, clusters - done);
            CowPlan piece = piece(cow, firstCluster, done, taken.clusters());
            MemorySegment bytes =
                    source.asSlice(
                            piece.writeFrom() - cow.writeFrom(),
                            piece.writeEnd() - piece.writeFrom());
            boolean barrier = !taken.fresh() || !plan.wasZero();
            boolean linking = false;
            try {
                fill(view, piece, taken, plan.copyIsZero(), bytes);
                linking = true;
                link(view, piece, taken, barrier);
            } catch (RuntimeException | Error failure) {
                giveBack(plan, taken, linking && failure instanceof Error);
                throw failure;
            }
            done += taken.clusters();
        }
    }

    Taken takePlace(Plan plan, long firstCluster, long done, long most) {
        if (plan.reused() != 0) {
            return new Taken(plan.reused(), 1, false);
        }
        if (data != file) {
            long guest = firstCluster + geometry.clusterOffset(done);
            return new Taken(guest, most, false);
        }
        Taken taken = allocator.take(most);
        boolean fills = plan.cow().copiesNothing() || !plan.copyIsZero();
        if (taken.fresh() && (fills || space.coversParts(geometry))) {
            space.cover(taken.hostOffset(), geometry.clusterOffset(taken.clusters()));
        }
        return taken;
    }

    private void giveBack(Plan plan, Taken taken, boolean maybeLinked) {
        if (!maybeLinked && plan.reused() == 0 && data == file) {
            allocator.free(taken.hostOffset(), taken.clusters());
        }
    }

    /** The part of a plan that lies in some of its clusters. */
    private CowPlan piece(CowPlan cow, long firstCluster, long done, long count) {
        long start = firstCluster + geometry.clusterOffset(done);
        long stop = start + geometry.clusterOffset(count);
        return new CowPlan(
                Math.max(start, cow.from()),
                Math.clamp(cow.writeFrom(), start, stop),
                Math.clamp(cow.writeEnd(), start, stop),
                Math.min(stop, cow.end()));
    }

    /** Hands the bytes of clusters to the file. */
    private void fill(
            View view, CowPlan plan, Taken taken, boolean copyIsZero, MemorySegment source) {
        long shift = taken.hostOffset() - geometry.alignDown(plan.from());
        checkNotMetadata(taken.hostOffset(), geometry.clusterOffset(taken.clusters()));
        if (copyIsZero && !plan.copiesNothing()) {
            tell(BlockEvent.CLUSTER_ALLOC_SPACE);
        }
        if (plan.copiesNothing() || (copyIsZero && taken.fresh())) {
            tell(BlockEvent.WRITE_AIO);
            data.write(plan.writeFrom() + shift, source, Durability.CACHED);
            return;
        }
        if (plan.length() <= buffers.bufferSize()) {
            writeJoined(view, plan, shift, source);
            return;
        }
        // A large write: only its first and last cluster are joined with what is around them.
        long headEnd = geometry.alignDown(plan.from()) + geometry.clusterSize();
        long tailStart = geometry.alignDown(plan.end() - 1);
        writePart(view, plan, shift, source, plan.from(), headEnd);
        writePart(view, plan, shift, source, headEnd, tailStart);
        writePart(view, plan, shift, source, tailStart, plan.end());
    }

    private void writePart(
            View view, CowPlan plan, long shift, MemorySegment source, long from, long end) {
        if (from >= end) {
            return;
        }
        long writeFrom = Math.clamp(plan.writeFrom(), from, end);
        long writeEnd = Math.clamp(plan.writeEnd(), from, end);
        MemorySegment bytes = source.asSlice(writeFrom - plan.writeFrom(), writeEnd - writeFrom);
        CowPlan part = new CowPlan(from, writeFrom, writeEnd, end);
        if (part.copiesNothing()) {
            tell(BlockEvent.WRITE_AIO);
            data.write(from + shift, bytes, Durability.CACHED);
        } else {
            writeJoined(view, part, shift, bytes);
        }
    }

    private void writeJoined(View view, CowPlan plan, long shift, MemorySegment source) {
        try (BufferPool.Lease lease = buffers.lease()) {
            MemorySegment all = lease.segment(plan.length());
            long head = plan.writeFrom() - plan.from();
            long tail = plan.writeEnd() - plan.from();
            around.readBoth(view, plan.from(), all, head, tail);
            all.asSlice(head, tail - head).copyFrom(source);
            tell(BlockEvent.WRITE_AIO);
            tell(BlockEvent.COW_WRITE);
            data.write(plan.from() + shift, all, Durability.CACHED);
        }
    }

    /** Q2: the bytes of all clusters were handed to the file. */
    void link(View view, CowPlan plan, Taken taken, boolean barrier) {
        long first = geometry.alignDown(plan.from());
        linker.change(
                view.map(),
                view.cache(),
                first,
                (int) taken.clusters(),
                barrier,
                false,
                (index, old) -> {
                    long offset = geometry.clusterOffset(index);
                    long word = taken.hostOffset() + offset | L2Entry.COPIED;
                    if (!geometry.extendedL2()) {
                        return new Linker.Entry(word, 0);
                    }
                    int whole = plan.wholeSubclusters(geometry, first + offset);
                    int allocated = old.isReusable() ? old.allocated() | whole : whole;
                    int zeros = old.compressed() ? 0 : old.zeros() & ~whole;
                    return new Linker.Entry(word, L2Entry.bitmap(allocated, zeros));
                });
    }

    // ---- parts of a cluster

    /** Says that all written before is to be stable soon. */
    void flushing() {
        early.flushing();
    }

    /**
     * Writes parts of one cluster. What has to move along with them is read first, into the gaps
     * between them, so that each piece that moves is one write.
     *
     * @param start the first byte of the cluster in the disk
     * @param cluster its bytes, of which {@code parts} count; the others may change
     * @return how many bytes were read
     */
    long writeParts(View view, long start, MemorySegment cluster, ByteRanges parts) {
        RangeLock.Claim claim = claims.claim(start, geometry.clusterSize());
        try {
            long copied = 0;
            for (int at = parts.next(0); at >= 0; at = parts.next(at)) {
                int end = parts.endOf(at);
                long done = writeInPlace(view, start + at, cluster.asSlice(at, end - at));
                if (done == 0) {
                    end = endOfPiece(state(view, start), at, parts);
                    copied += move(view, start, cluster, at, end, parts);
                    done = (long) end - at;
                }
                at += (int) done;
            }
            return copied;
        } finally {
            claim.close();
        }
    }

    /**
     * How far to write at once from a part on that needs a place. Gaps in what belongs to the disk
     * alone are left alone: others may be writing there.
     */
    private int endOfPiece(ClusterState old, int from, ByteRanges parts) {
        int unit = geometry.subclusterSize();
        boolean allMoves = old.compressed() || (!old.isReusable() && old.allocated() != 0);
        int end = parts.endOf(from);
        for (int next = parts.next(end); next >= 0; next = parts.next(end)) {
            boolean near = next / unit <= (end - 1) / unit + 1;
            if (!allMoves && !(near && isGapFree(old, end / unit, next / unit))) {
                return end;
            }
            end = parts.endOf(next);
        }
        return end;
    }

    private static boolean isGapFree(ClusterState old, int first, int last) {
        for (int each = first; each <= last; each++) {
            if (old.isReusable() && old.isAllocated(each)) {
                return false;
            }
        }
        return true;
    }

    /** Gives a piece of a cluster its place; returns how many bytes were read for it. */
    private long move(
            View view, long start, MemorySegment cluster, int from, int end, ByteRanges parts) {
        Plan plan = plan(view, start + from, start + end);
        if (plan == null) {
            throw new AssertionError("changed in spite of a claim");
        }
        CowPlan cow = plan.cow();
        Taken taken = takePlace(plan, start, 0, 1);
        boolean bare = plan.copyIsZero() && taken.fresh();
        int first = bare ? from : (int) (cow.from() - start);
        int last = bare ? end : (int) (cow.end() - start);
        long copied;
        boolean linking = false;
        try {
            checkNotMetadata(taken.hostOffset(), geometry.clusterSize());
            if (plan.copyIsZero() && !cow.copiesNothing()) {
                tell(BlockEvent.CLUSTER_ALLOC_SPACE);
            }
            copied = around.fillGaps(view, start, cluster, first, last, parts);
            tell(BlockEvent.WRITE_AIO);
            MemorySegment bytes = cluster.asSlice(first, last - first);
            data.write(taken.hostOffset() + first, bytes, Durability.CACHED);
            linking = true;
            link(view, cow, taken, !taken.fresh() || !plan.wasZero());
        } catch (RuntimeException | Error failure) {
            giveBack(plan, taken, linking && failure instanceof Error);
            throw failure;
        }
        early.written(taken.hostOffset() + first, (long) last - first);
        return copied;
    }
}
