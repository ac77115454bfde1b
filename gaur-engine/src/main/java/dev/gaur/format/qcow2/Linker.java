package dev.gaur.format.qcow2;

import dev.gaur.block.BlockEvent;
import dev.gaur.block.Durability;
import dev.gaur.block.StorageNode;
import dev.gaur.block.ZeroMode;
import dev.gaur.format.qcow2.ClusterAllocator.Taken;
import dev.gaur.format.qcow2.WriteBack.Free;
import java.lang.foreign.MemorySegment;

/**
 * Changes entries of L2 tables in memory, and makes the tables that are missing. Who calls has an
 * exclusive claim on the guest clusters (Q7), and has handed their bytes to the file (Q2). Failing
 * leaves the old entries.
 *
 * <p>Locks: {@link WriteBack#mapping}, for each call.
 */
final class Linker {
    /** How one entry changes. */
    @FunctionalInterface
    interface Change {
        /**
         * Returns the new entry.
         *
         * @param index which of the clusters, from 0 on
         * @param old the entry as it is
         */
        Entry of(int index, ClusterState old);
    }

    /** An entry with its subcluster bitmap, which is 0 where there are none. */
    record Entry(long word, long bitmap) {}

    private final StorageNode file;
    private final Geometry geometry;
    private final boolean hasDataFile;
    private final ClusterAllocator allocator;
    private final ClusterSet metadata;
    private final WriteBack writeBack;

    Linker(
            StorageNode file,
            Header header,
            ClusterAllocator allocator,
            ClusterSet metadata,
            WriteBack writeBack) {
        this.file = file;
        this.geometry = header.geometry();
        this.hasDataFile = header.has(Header.DATA_FILE);
        this.allocator = allocator;
        this.metadata = metadata;
        this.writeBack = writeBack;
    }

    /**
     * Changes the entries of clusters; what the old ones pointed to and the new ones don't is freed
     * when that is stable.
     *
     * @param guestOffset of the first cluster
     * @param clusters how many; all in one slice
     * @param barrier whether data written so far must be stable before the new entries are
     * @param discard whether the freed clusters' bytes are not needed by anybody
     */
    void change(
            ClusterMap map,
            TableCache cache,
            long guestOffset,
            int clusters,
            boolean barrier,
            boolean discard,
            Change change) {
        writeBack.mapping().lock();
        try {
            ClusterState[] states = new ClusterState[clusters];
            Entry[] entries = new Entry[clusters];
            boolean changes = false;
            for (int i = 0; i < clusters; i++) {
                ClusterState old = map.state(guestOffset + geometry.clusterOffset(i));
                states[i] = old;
                entries[i] = change.of(i, old);
                changes |= !isSame(old, entries[i]);
            }
            if (!changes) {
                return;
            }
            put(cache, guestOffset, states, entries, barrier, discard);
        } catch (Error failed) { // No memory, say: nobody knows how much of it was done.
            writeBack.failed(failed);
            throw failed;
        } finally {
            writeBack.mapping().unlock();
        }
    }

    private void put(
            TableCache cache,
            long guestOffset,
            ClusterState[] states,
            Entry[] entries,
            boolean barrier,
            boolean discard) {
        // From here on only making the table can fail, before anything has changed.
        ensureTable(Math.toIntExact(geometry.l1Index(guestOffset)));
        if (barrier) {
            writeBack.requireBarrier();
        }
        long number = geometry.sliceNumber(guestOffset);
        TableSlice before = cache.get(number);
        writeBack.changing(number, before);
        long[] words = new long[states.length * (geometry.l2EntrySize() / Long.BYTES)];
        int first = geometry.sliceIndex(guestOffset);
        for (int i = 0; i < states.length; i++) {
            put(words, i, entries[i]);
        }
        TableSlice now = before.with(first, words, geometry);
        writeBack.changed(number, now, sectors(first, states.length));
        cache.replace(number, now);
        for (int i = 0; i < states.length; i++) { // Last: without memory for it some is leaked.
            freeOld(states[i], entries[i].word(), discard);
        }
    }

    private boolean isSame(ClusterState old, Entry now) {
        long bitmap = L2Entry.bitmap(old.allocated(), old.zeros());
        return old.entry() == now.word() && (!geometry.extendedL2() || bitmap == now.bitmap());
    }

    private void put(long[] words, int index, Entry entry) {
        if (geometry.extendedL2()) {
            words[2 * index] = entry.word();
            words[2 * index + 1] = entry.bitmap();
        } else {
            words[index] = entry.word();
        }
    }

    /** A bit for each sector of the slice that holds one of the entries. */
    private long sectors(int first, int count) {
        int from = first * geometry.l2EntrySize() / Geometry.SECTOR;
        int last = ((first + count) * geometry.l2EntrySize() - 1) / Geometry.SECTOR;
        return (-1L >>> (Long.SIZE - 1 - (last - from))) << from;
    }

    private void freeOld(ClusterState old, long now, boolean discard) {
        if (hasDataFile) {
            return; // Not counted.
        }
        if (old.compressed()) {
            int bits = geometry.clusterBits();
            long offset = L2Entry.compressedOffset(old.entry(), bits);
            long end = offset + L2Entry.compressedBytes(old.entry(), bits);
            long first = geometry.clusterIndex(offset);
            long count = geometry.clusterIndex(end - 1) - first + 1;
            writeBack.free(new Free(geometry.clusterOffset(first), count, false, discard));
        } else if (old.placed() && !pointsTo(now, old.hostOffset())) {
            writeBack.free(new Free(old.hostOffset(), 1, false, discard));
        }
    }

    private static boolean pointsTo(long entry, long hostOffset) {
        return !L2Entry.isCompressed(entry) && L2Entry.hostOffset(entry) == hostOffset;
    }

    /** Sees to it that the table of an L1 entry is there and belongs to nobody else. */
    private void ensureTable(int l1Index) {
        MappingTables tables = writeBack.tables();
        long entry = tables.l1()[l1Index];
        if (L2Entry.isCopied(entry)) {
            return;
        }
        long old = tables.tableOffset(l1Index);
        Taken taken = newTable(l1Index, old);
        metadata.add(geometry.clusterIndex(taken.hostOffset()), 1);
        tables.setL1(l1Index, taken.hostOffset() | L2Entry.COPIED);
        writeBack.changedL1(l1Index, old);
        if (old != 0) {
            writeBack.free(new Free(old, 1, true, false));
        }
    }

    /** Takes a place for a table and hands it the old one's bytes, or zeros. */
    private Taken newTable(int l1Index, long old) {
        Taken taken = allocator.take(1);
        try {
            if (old != 0) {
                copyTable(l1Index, old, taken.hostOffset());
                return taken;
            }
            file.event(BlockEvent.L2_ALLOC_WRITE);
            // A fresh one too: it gets space, before a full disk can fail a commit.
            long length = geometry.clusterSize();
            file.zero(taken.hostOffset(), length, ZeroMode.KEEP, Durability.CACHED);
            return taken;
        } catch (RuntimeException | Error failure) {
            allocator.free(taken.hostOffset(), 1);
            throw failure;
        }
    }

    private void copyTable(int l1Index, long from, long to) {
        var bytes = MemorySegment.ofArray(new byte[geometry.clusterSize()]);
        file.event(BlockEvent.L2_ALLOC_COW_READ);
        Tables.read(file, "L2 table " + l1Index, from, bytes);
        file.event(BlockEvent.L2_ALLOC_WRITE);
        file.write(to, bytes, Durability.CACHED);
    }
}
