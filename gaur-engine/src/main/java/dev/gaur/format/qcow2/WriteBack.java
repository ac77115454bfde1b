package dev.gaur.format.qcow2;

import dev.gaur.block.BlockEvent;
import dev.gaur.block.BlockException;
import dev.gaur.block.Durability;
import dev.gaur.block.StorageNode;
import dev.gaur.format.DiscardOptions;
import dev.gaur.mem.Bytes;
import dev.gaur.sync.Epoch;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.ReentrantLock;

/**
 * What changed in the mapping and is not in the file yet, and the order in which it gets there:
 * counts and data, a barrier, L2 tables, a barrier, L1 table, a barrier, and only then lower counts
 * (Q1, Q2, Q3). Each barrier serves all changes before it, and is left out where nothing depends on
 * it: data needs none before its link if a crash would leave zeros where zeros were.
 *
 * <p>Locks: {@link #mapping} guards what changed; one commit at a time. A commit does its I/O
 * without holding {@link #mapping}: changes go on meanwhile, and wait for the next commit.
 */
final class WriteBack {
    /** So many slices make a commit by themselves: 8 MiB at most. */
    private static final int SLICES_MAX = 2048;

    private static final int FREES_MAX = 1 << 16;

    /**
     * References that nothing in the file will have, once the changes so far are stable.
     *
     * @param table it was that to a table, which may be somebody else's, too
     * @param discard somebody asked for that, by a discard or by zeros that give space back
     */
    record Free(long hostOffset, long clusters, boolean table, boolean discard) {}

    /** A slice whose state in memory is to be written, and its sectors that changed. */
    private record Changed(long number, TableSlice slice, long sectors) {}

    private record Batch(
            List<Changed> slices,
            int[] l1,
            List<Free> frees,
            Journal.Notes notes,
            boolean barrier) {
        boolean isEmpty() {
            return slices.isEmpty() && l1.length == 0;
        }

        /** Whether what was noted must be stable before anything that it is about is written. */
        boolean notesFirst() {
            // A table to which no L1 entry in the file leads yet is seen after another barrier.
            return notes.blocks()
                    || notes.tables().stream().anyMatch(it -> Arrays.binarySearch(l1, it) < 0);
        }
    }

    private final StorageNode file;
    private final StorageNode data;
    private final Geometry geometry;
    private final ClusterAllocator allocator;
    private final LiveHeader header;
    private final Journal journal;
    private final ClusterSet metadata;
    private final Health health;
    private final Epoch epoch;
    private final DiscardOptions discards;

    private final ReentrantLock committing = new ReentrantLock();
    private boolean countsUnstable; // guarded by committing
    private long stableLength; // of the file; guarded by committing
    private volatile boolean lazy;
    private volatile long begun;
    private long done; // guarded by committing

    private final ReentrantLock mapping = new ReentrantLock();
    private final Map<Long, TableSlice> unwritten = new ConcurrentHashMap<>();
    private final Map<Long, Long> dirtySectors = new HashMap<>();
    private final BitSet dirtyL1 = new BitSet();
    private List<Free> frees = new ArrayList<>();
    private boolean barrier;
    private volatile MappingTables tables;

    /**
     * @param data the file with the guest's clusters; perhaps {@code file} itself
     * @param discards when the file is told that it need not keep what is free
     */
    WriteBack(
            StorageNode file,
            StorageNode data,
            LiveHeader header,
            ClusterAllocator allocator,
            Journal journal,
            ClusterSet metadata,
            Health health,
            Epoch epoch,
            DiscardOptions discards) {
        this.file = file;
        this.data = data;
        this.header = header;
        this.geometry = header.get().geometry();
        this.allocator = allocator;
        this.journal = journal;
        this.metadata = metadata;
        this.health = health;
        this.epoch = epoch;
        this.discards = discards;
        this.tables = activeTables();
        this.stableLength = file.length();
    }

    /** Makes tables of the active state, as the header has it now. */
    private MappingTables activeTables() {
        Header now = header.get();
        int needed = Math.toIntExact(geometry.l1EntriesFor(now.virtualSize()));
        return new MappingTables(
                file, geometry, "L1 table", now.l1TableOffset(), needed, unwritten);
    }

    /** The tables of the active state. */
    MappingTables tables() {
        return tables;
    }

    /** Begins anew with the tables that the header names; nothing may be unwritten. */
    void reloadTables() {
        if (!unwritten.isEmpty() || !dirtyL1.isEmpty()) {
            throw new AssertionError("changes are lost");
        }
        tables = activeTables();
    }

    /** Whether counts may stay behind while the dirty bit is set. */
    void setLazy(boolean on) {
        lazy = on;
    }

    /** Guards changes of the mapping. Taken before the allocator's lock. */
    ReentrantLock mapping() {
        return mapping;
    }

    // ---- what changes; for who holds the lock

    /** Notes a slice's new state. */
    void changed(long number, TableSlice slice, long sectors) {
        unwritten.put(number, slice);
        dirtySectors.merge(number, sectors, (a, b) -> a | b);
    }

    /**
     * Notes a new L1 entry.
     *
     * @param old where the table lay to which it led, or 0
     */
    void changedL1(int index, long old) {
        dirtyL1.set(index);
        journal.tableChanges(index, old);
    }

    /** Says that data written so far must be stable before the links noted so far. */
    void requireBarrier() {
        barrier = true;
    }

    /** Notes a slice that is about to change. */
    void changing(long number, TableSlice old) {
        journal.sliceChanges(number, old);
    }

    /** Says that something ended half-way that must not. */
    void failed(Error why) {
        health.fail(why);
    }

    /** Notes references that are gone with the changes noted so far. */
    void free(Free free) {
        frees.add(free);
    }

    // ---- commits

    /** Makes room if much is unwritten. May block; to be called without locks and epoch. */
    void throttle() {
        if (unwritten.size() > SLICES_MAX || frees.size() > FREES_MAX) {
            boolean much = unwritten.size() > 2 * SLICES_MAX || frees.size() > 2 * FREES_MAX;
            if (much) {
                committing.lock();
            } else if (!committing.tryLock()) {
                return;
            }
            try {
                if (unwritten.size() > SLICES_MAX || frees.size() > FREES_MAX) {
                    commit(false);
                }
            } finally {
                committing.unlock();
            }
        }
    }

    /** Makes all that was changed and written before this call stable. */
    void flush() {
        long needed = begun + 1;
        committing.lock();
        try {
            if (done < needed) { // Else somebody's flush began after this call did.
                long mine = ++begun;
                file.event(BlockEvent.FLUSH_TO_OS);
                commit(true);
                done = mine;
            }
        } finally {
            committing.unlock();
        }
    }

    private void commit(boolean stable) {
        health.check();
        try {
            commit(takeBatch(), stable);
        } catch (Error failed) { // Half-way: some of it may be noted nowhere any more.
            health.fail(failed);
            throw failed;
        }
    }

    private void commit(Batch batch, boolean stable) {
        // Counts come first and frees last, so that any part of a batch may be in the file.
        health.orAgain(() -> write(batch, stable), () -> putBack(batch));
        if (!batch.frees().isEmpty()) {
            health.orFail(
                    () -> {
                        // Q3: requests under way may still use what is free now.
                        epoch.awaitEarlier();
                        batch.frees().forEach(this::reclaim);
                    });
            journal.freed(batch.frees().stream().mapToLong(Free::clusters).sum());
        }
    }

    /** The next commit has all of it to do. */
    private void putBack(Batch batch) {
        mapping.lock();
        try {
            for (Changed each : batch.slices()) {
                dirtySectors.merge(each.number(), each.sectors(), (a, b) -> a | b);
            }
            for (int index : batch.l1()) {
                dirtyL1.set(index);
            }
            frees.addAll(batch.frees());
            journal.putBack(batch.notes());
            barrier |= batch.barrier();
        } finally {
            mapping.unlock();
        }
    }

    private Batch takeBatch() {
        mapping.lock();
        try {
            List<Changed> slices = new ArrayList<>(dirtySectors.size());
            dirtySectors.forEach(
                    (number, sectors) -> {
                        TableSlice slice = unwritten.get(number);
                        if (slice == null) {
                            throw new AssertionError("slice " + number + " is dirty but not there");
                        }
                        slices.add(new Changed(number, slice, sectors));
                    });
            slices.sort((a, b) -> Long.compare(a.number(), b.number()));
            int[] l1 = dirtyL1.stream().toArray();
            Batch batch = new Batch(slices, l1, frees, journal.take(), barrier);
            dirtySectors.clear();
            dirtyL1.clear();
            frees = new ArrayList<>();
            barrier = false;
            return batch;
        } finally {
            mapping.unlock();
        }
    }

    private void write(Batch batch, boolean stable) {
        journal.write(batch.notes(), !batch.isEmpty());
        if (!journal.isOff()) {
            countsUnstable |= batch.notesFirst();
        } else if (!lazy) {
            writeCounts();
        } else if (!batch.isEmpty()) { // Stable before the first link.
            health.orFail(() -> header.setIncompatible(Header.DIRTY, true));
        }
        // Q14: counts bring a flush; without them the end of the file needs it, where new clusters
        // are.
        boolean unstable = countsUnstable || file.length() > stableLength;
        if (!batch.isEmpty() && (unstable || batch.barrier())) {
            flushFiles();
        }
        batch.slices().forEach(this::writeSlice);
        if (batch.l1().length > 0) {
            flushFiles(); // Tables before the entries that lead to them.
            writeL1(batch.l1());
        }
        if (stable) {
            file.event(BlockEvent.FLUSH_TO_DISK);
        }
        if (stable || !batch.frees().isEmpty()) {
            flushFiles();
        }
        forget(batch);
    }

    private void writeCounts() {
        allocator.lock().lock();
        try {
            countsUnstable |= allocator.refcounts().writeBack();
        } finally {
            allocator.lock().unlock();
        }
    }

    private void flushFiles() {
        long length = file.length();
        if (data != file) {
            health.flush(data);
        }
        health.flush(file);
        countsUnstable = false;
        stableLength = length;
    }

    /** Writes the sectors of a slice that changed, neighbours at once. */
    private void writeSlice(Changed changed) {
        long number = changed.number();
        long place = tables.tableOffset(geometry.l1IndexOfSlice(number));
        long start = place + geometry.sliceOffset(number);
        long[] words = changed.slice().toWords(geometry);
        long left = changed.sectors();
        while (left != 0) {
            int from = Long.numberOfTrailingZeros(left);
            int count = Long.numberOfTrailingZeros(~(left >>> from));
            MemorySegment bytes = MemorySegment.ofArray(new byte[count * Geometry.SECTOR]);
            int wordsPerSector = Geometry.SECTOR / Long.BYTES;
            Bytes.putU64(bytes, 0, words, from * wordsPerSector, count * wordsPerSector);
            file.event(BlockEvent.L2_UPDATE);
            file.write(start + (long) from * Geometry.SECTOR, bytes, Durability.CACHED);
            left &= ~((-1L >>> (Long.SIZE - count)) << from);
        }
    }

    private void writeL1(int[] indexes) {
        long[] l1 = tables.l1();
        for (int from = 0, end; from < indexes.length; from = end) {
            end = from + 1;
            while (end < indexes.length && indexes[end] == indexes[end - 1] + 1) {
                end++;
            }
            MemorySegment bytes = MemorySegment.ofArray(new byte[(end - from) * Long.BYTES]);
            for (int i = from; i < end; i++) {
                Bytes.putU64(bytes, (long) (i - from) * Long.BYTES, l1[indexes[i]]);
            }
            file.event(BlockEvent.L1_UPDATE);
            file.write(tables.l1EntryOffset(indexes[from]), bytes, Durability.CACHED);
        }
    }

    /** What was written need not be kept, unless it changed again. */
    private void forget(Batch batch) {
        mapping.lock();
        try {
            for (Changed each : batch.slices()) {
                if (!dirtySectors.containsKey(each.number())) {
                    unwritten.remove(each.number());
                }
            }
        } finally {
            mapping.unlock();
        }
    }

    /** Gives back space while it is still counted, so that nobody can have got it meanwhile. */
    private void discard(long cluster) {
        long offset = geometry.clusterOffset(cluster);
        long length = Math.min(geometry.clusterSize(), file.length() - offset);
        if (length <= 0 || !allocator.isLastReference(cluster)) {
            return;
        }
        try {
            file.discard(offset, length);
        } catch (BlockException.Media _) {
            // It would have been nice, but nothing depends on it.
        }
    }

    private void reclaim(Free free) {
        long cluster = geometry.clusterIndex(free.hostOffset());
        if (free.discard() ? discards.passRequest() : discards.passOther()) {
            for (long at = cluster; at < cluster + free.clusters(); at++) {
                discard(at);
            }
        }
        if (free.table() && allocator.isLastReference(cluster)) {
            metadata.remove(cluster, free.clusters());
        }
        allocator.free(free.hostOffset(), free.clusters());
    }
}
