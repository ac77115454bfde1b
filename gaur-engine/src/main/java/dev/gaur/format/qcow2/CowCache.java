package dev.gaur.format.qcow2;

import dev.gaur.block.BlockException;
import dev.gaur.block.StorageNode;
import dev.gaur.format.FormatOptions;
import dev.gaur.format.qcow2.CachedCluster.Found;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Lets writes wait in memory that would have to copy what lies around them, or that seem to come in
 * order: more of them may fill the cluster, which then needs no copy at all. Whole clusters leave
 * with their neighbours in one write; what is missing of others is read when they have to leave:
 * because of a flush, of their age, or for want of room. Then they are as writes that came only
 * then, and if they cannot be written they stay, and every flush tries again and fails.
 *
 * <p>Cached bytes lie over the image, whatever becomes of it below: nothing depends on what the
 * tables say meanwhile.
 *
 * <p>Locks: the turn of a cluster, then claims; then its own, which guards queues and memory. Safe
 * for many threads.
 */
final class CowCache {
    /** How much is cached unless somebody says otherwise. */
    private static final long BYTES_DEFAULT = 16L << 20;

    /** So many small clusters are enough to fill. */
    private static final int CLUSTERS_MAX = 1 << 16;

    private static final long AGE_MAX = TimeUnit.SECONDS.toNanos(5);

    /** Whole clusters wait for others if a request is such a part of what leaves in one write. */
    private static final int WHOLE_SHARE = 4;

    /** The clock is looked at now and then only, and then not too much is done. */
    private static final int LOOK_EVERY = 64;

    private static final int OLD_AT_ONCE = 16;

    /** Others make room when such a part of it is free only, until as much is as is enough. */
    private static final int SCARCE = 8;

    private static final int ENOUGH = 4;

    /** What takes the place of cached bytes. */
    @FunctionalInterface
    interface Replacement {
        /** Does it; returns whether it was, or all is as before. */
        boolean run();
    }

    private final Geometry geometry;
    private final WritePath writePath;
    private final Health health;
    private final CowTally tally;
    private final CowWriteOuts writeOuts;
    private final LongSupplier clock;
    private final CowMemory memory;
    private final CowTable table;
    private final ReentrantLock lock = new ReentrantLock();
    private final CowQueue incomplete = new CowQueue();
    private final CowQueue complete = new CowQueue();
    private final WriteStreams streams = new WriteStreams();

    /** Requests with whole clusters do not wait if they are longer: they are one write already. */
    private final long wholeMax;

    private volatile @Nullable View view;
    private volatile CowHelpers helpers = CowHelpers.none();
    private int requests; // Roughly.

    /**
     * @param bytes the bound; without room for a cluster nothing waits
     * @param clock in nanoseconds
     */
    CowCache(
            Geometry geometry,
            WritePath writePath,
            Health health,
            CowTally tally,
            long bytes,
            LongSupplier clock) {
        this.geometry = geometry;
        this.writePath = writePath;
        this.health = health;
        this.tally = tally;
        this.clock = clock;
        long most = Math.min(bytes, geometry.clusterOffset(CLUSTERS_MAX));
        this.memory = new CowMemory(geometry.clusterSize(), most, tally.bytes);
        this.table = new CowTable(memory.slots());
        this.writeOuts =
                new CowWriteOuts(geometry, writePath, tally, memory, table, lock, incomplete);
        this.wholeMax = (long) memory.slotsPerChunk() * geometry.clusterSize() / WHOLE_SHARE;
    }

    /**
     * Works out what options mean for a file. One that is watched is told of every request as it
     * comes; so nothing waits unless somebody wants it to.
     */
    static long bytes(FormatOptions options, StorageNode file) {
        long told = options.caches().cowBytes();
        return told != FormatOptions.AUTO ? told : file.isWatched() ? 0 : BYTES_DEFAULT;
    }

    /** Has others help to write out, for who writes has more to do than to wait for it. */
    void setHelpers(CowHelpers others) {
        helpers = others;
    }

    boolean isEmpty() {
        return table.isEmpty();
    }

    /** For who reads. */
    CowTable table() {
        return table;
    }

    // ---- writes

    /**
     * Writes all of {@code source}; visible when it returned.
     *
     * @param mayWait whether it may stay in memory, else only what waits there already is changed
     */
    void write(View on, long guestOffset, MemorySegment source, boolean mayWait) {
        if (memory.slots() == 0) {
            writePath.write(on, guestOffset, source);
            return;
        }
        long length = source.byteSize();
        for (long done = 0; done < length; ) {
            done += writeSome(on, guestOffset + done, source, done, mayWait);
        }
        if (++requests % LOOK_EVERY == 0) {
            evictOld();
        }
    }

    /** Writes the first part of what is left of a source. */
    private long writeSome(
            View on, long guestOffset, MemorySegment source, long from, boolean mayWait) {
        long length = source.byteSize() - from;
        if (!table.isEmpty()) {
            CachedCluster here = table.find(geometry.clusterIndex(guestOffset));
            if (here != null) {
                return put(here, guestOffset, source, from);
            }
            length = untilCached(guestOffset, length);
        }
        MemorySegment part = part(source, from, length);
        long done = writePath.writeInPlace(on, guestOffset, part);
        return done == length
                ? done
                : done
                        + allocate(
                                on,
                                guestOffset + done,
                                source,
                                from + done,
                                length - done,
                                mayWait);
    }

    private static MemorySegment part(MemorySegment source, long from, long length) {
        return length == source.byteSize() ? source : source.asSlice(from, length);
    }

    /** Whether nothing waits of the clusters that a range touches. */
    boolean isPlain(long guestOffset, long length) {
        return table.isPlain(geometry, guestOffset, length);
    }

    /** How far it is to the next cached cluster; the first one is none. */
    private long untilCached(long guestOffset, long length) {
        int size = geometry.clusterSize();
        long far = (long) size - geometry.offsetInCluster(guestOffset);
        while (far < length && table.find(geometry.clusterIndex(guestOffset + far)) == null) {
            far += size;
        }
        return Math.min(far, length);
    }

    /** Writes into a cached cluster; returns how much, 0 if it has just left. */
    private long put(CachedCluster to, long guestOffset, MemorySegment source, long from) {
        int offset = geometry.offsetInCluster(guestOffset);
        int count = (int) Math.min(geometry.clusterSize() - offset, source.byteSize() - from);
        Found found = to.put(offset, source, from, count);
        if (found == Found.GONE) {
            return 0;
        }
        tally.writes.increment();
        if (found == Found.FILLED) {
            filled(to);
        } else if (found == Found.SCATTERED) {
            evict(to);
        }
        return count;
    }

    /** Writes what has no place of its own, or lets the part of a cluster wait. */
    private long allocate(
            View on,
            long guestOffset,
            MemorySegment source,
            long from,
            long length,
            boolean mayWait) {
        long end = guestOffset + length;
        if (mayWait) {
            long clusterEnd = geometry.alignDown(guestOffset) + geometry.clusterSize();
            if (pays(on, guestOffset, Math.min(end, clusterEnd), length)) {
                CachedCluster made = make(on, geometry.clusterIndex(guestOffset));
                if (made != null) {
                    return put(made, guestOffset, source, from);
                }
            } else if (end > clusterEnd && partPays(on, geometry.alignDown(end), end)) {
                end = geometry.alignDown(end); // The last one comes next.
            }
        }
        return writePath.allocate(on, guestOffset, part(source, from, end - guestOffset));
    }

    /**
     * Whether a cluster, or a part of one, should wait.
     *
     * @param length of all that is to be written
     */
    private boolean pays(View on, long from, long end, long length) {
        return isWhole(on, from, end)
                ? length <= wholeMax && goesOn(from, length)
                : partPays(on, from, end);
    }

    private boolean goesOn(long from, long length) {
        return streams.goOn(geometry.clusterIndex(from), geometry.clusterIndex(from + length));
    }

    private boolean isWhole(View on, long from, long end) {
        return geometry.isAligned(from) && (geometry.isAligned(end) || end == on.length());
    }

    /**
     * Whether a part of a cluster should wait: because something around it would have to be copied,
     * or because more seems to come in order, which is then written at once.
     */
    private boolean partPays(View on, long from, long end) {
        if (isWhole(on, from, end)) {
            return false;
        }
        return geometry.isAligned(from)
                || table.find(geometry.clusterIndex(from) - 1) != null
                || writePath.copiesAround(on, from, end);
    }

    /** Makes a cached cluster, with nothing in it yet; null if there is no room. */
    private @Nullable CachedCluster make(View on, long number) {
        CachedCluster made;
        boolean scarce;
        do {
            lock.lock();
            try {
                made = findOrAdd(on, number);
                scarce = memory.free() <= memory.slots() / SCARCE;
            } finally {
                lock.unlock();
            }
            if (scarce) {
                helpers.makeRoom(this::makesRoom);
            }
        } while (made == null && evictOldest(memory.slots()));
        return made;
    }

    private @Nullable CachedCluster findOrAdd(View on, long number) {
        CachedCluster there = table.find(number);
        if (there != null) {
            return there;
        }
        CachedCluster before = table.find(number - 1);
        int slot = memory.take(before == null ? -1 : before.slot());
        return slot < 0 ? null : addOrFree(on, number, slot);
    }

    /** For others: makes room for one more, unless there is enough. */
    private boolean makesRoom() {
        return evictOldest(memory.slots() / ENOUGH);
    }

    private CachedCluster addOrFree(View on, long number, int slot) {
        boolean added = false;
        try {
            CachedCluster made = add(on, number, slot);
            added = true;
            return made;
        } finally {
            if (!added) { // No memory for it.
                memory.free(slot);
            }
        }
    }

    private CachedCluster add(View on, long number, int slot) {
        long start = geometry.clusterOffset(number);
        int length = (int) Math.min(geometry.clusterSize(), on.length() - start);
        var made =
                new CachedCluster(
                        number,
                        slot,
                        memory.chunk(slot),
                        memory.place(slot),
                        length,
                        clock.getAsLong());
        view = on;
        table.add(made);
        incomplete.add(made);
        return made;
    }

    /** A cluster that is whole goes with its neighbours, when they are as many as go at once. */
    private void filled(CachedCluster cluster) {
        lock.lock();
        try {
            if (cluster.queue == null) {
                return; // It is about to leave.
            }
            CowQueue.remove(cluster);
            if (!memory.isLastOfChunk(cluster.slot())) {
                complete.add(cluster);
                return;
            }
        } finally {
            lock.unlock();
        }
        if (!helpers.tryRun(() -> evict(cluster))) {
            evict(cluster);
        }
    }

    // ---- write-out

    /** Makes room for one; false if none can leave, or if so many slots are free already. */
    private boolean evictOldest(int enough) {
        CachedCluster victim;
        lock.lock();
        try {
            if (memory.free() >= enough) {
                return false;
            }
            victim = complete.oldest() != null ? complete.oldest() : incomplete.oldest();
            if (victim == null) {
                return false;
            }
            CowQueue.remove(victim); // Others choose another one.
        } finally {
            lock.unlock();
        }
        return evict(victim);
    }

    /** Tries to bring a cluster that is in no queue to the file; if that fails it stays. */
    private boolean evict(CachedCluster cluster) {
        boolean out = false;
        try {
            tally.evictions.add(writeOuts.writeOut(view, cluster, true));
            out = true;
        } catch (BlockException | OutOfMemoryError _) {
            // Its bytes are safe here. The next flush tries again, and says so if it fails.
        } finally {
            if (!out) {
                lock.lock();
                try {
                    if (!cluster.isGone() && cluster.queue == null) {
                        (cluster.isWhole() ? complete : incomplete).add(cluster);
                    }
                } finally {
                    lock.unlock();
                }
            }
        }
        return out;
    }

    /** Writes out some of what has waited for too long. Next to nothing if there is none. */
    void evictOld() {
        if (table.isEmpty() || health.isFailed()) {
            return;
        }
        for (int i = 0; i < OLD_AT_ONCE; i++) {
            CachedCluster old = takeOld();
            if (old == null) {
                return;
            }
            evict(old);
        }
    }

    /** Takes one that has waited for too long out of its queue. */
    private @Nullable CachedCluster takeOld() {
        lock.lock();
        try {
            long now = clock.getAsLong();
            CachedCluster old =
                    isOld(complete.oldest(), now) ? complete.oldest() : incomplete.oldest();
            if (old == null || !isOld(old, now)) {
                return null;
            }
            CowQueue.remove(old);
            return old;
        } finally {
            lock.unlock();
        }
    }

    private static boolean isOld(@Nullable CachedCluster cluster, long now) {
        return cluster != null && now - cluster.born() > AGE_MAX;
    }

    private void writeAlone(CachedCluster cluster) {
        writeOuts.writeOut(view, cluster, false);
    }

    /** Brings what waits of a range to the file. */
    void writeOut(long guestOffset, long length) {
        if (length > 0 && !table.isEmpty()) {
            long last = geometry.clusterIndex(guestOffset + length - 1);
            table.within(geometry.clusterIndex(guestOffset), last).forEach(this::writeAlone);
        }
    }

    /**
     * Brings all that waits to the file; what cannot be written stays, and the others go.
     *
     * @param afterEach runs after each, while nobody's turn is held
     */
    void writeOutAll(Runnable afterEach) {
        writePath.flushing();
        if (table.isEmpty()) {
            return;
        }
        Consumer<CachedCluster> out =
                cluster -> {
                    writeOuts.writeOut(view, cluster, true);
                    afterEach.run();
                };
        new CowDrain(health, writeOuts, out).run(table.within(0, Long.MAX_VALUE), helpers);
    }

    // ---- what takes the place of cached bytes

    /**
     * Runs a change of a range that hides what is cached of it. Clusters inside end with it, if it
     * is done; those at its edges are written first, as are those with parts of sectors: if the
     * change fails half-way each sector has old or new bytes.
     *
     * @param change returns whether it was done; if it fails all that was cached stays
     */
    void replace(long guestOffset, long length, Replacement change) {
        if (length <= 0 || table.isEmpty()) {
            change.run();
            return;
        }
        long end = guestOffset + length;
        List<CachedCluster> inside = new ArrayList<>();
        long last = geometry.clusterIndex(end - 1);
        for (CachedCluster each : table.within(geometry.clusterIndex(guestOffset), last)) {
            long start = geometry.clusterOffset(each.number());
            boolean covered = start >= guestOffset && start + each.length() <= end;
            if (covered && each.hasWholeSectors()) {
                inside.add(each);
            } else {
                writeAlone(each);
            }
        }
        end(inside, change);
    }

    private void end(List<CachedCluster> clusters, Replacement change) {
        for (CachedCluster each : clusters) {
            each.takeTurn();
        }
        try {
            if (change.run()) {
                writeOuts.remove(clusters.stream().filter(each -> !each.isGone()).toList());
            }
        } finally {
            CowWriteOuts.endTurns(clusters);
        }
    }

    /** Forgets all that waits: it is wanted no more, or somebody was told that it is lost. */
    void forgetAll() {
        end(table.within(0, Long.MAX_VALUE), () -> true);
    }
}
