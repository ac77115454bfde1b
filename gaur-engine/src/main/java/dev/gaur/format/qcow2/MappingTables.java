package dev.gaur.format.qcow2;

import dev.gaur.block.BlockEvent;
import dev.gaur.block.BlockException;
import dev.gaur.block.StorageNode;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The L1 table and the L2 tables that it points to, in the file: of the active state or of a
 * snapshot. The L1 table is read at the first need, so what only asks for an image's properties
 * does not pay for it.
 *
 * <p>Locks: its own monitor while the L1 table is read.
 */
final class MappingTables implements TableCache.Loader {
    private final StorageNode storage;
    private final Geometry geometry;
    private final String l1Name;
    private final long l1Offset;
    private final int l1Entries;
    private volatile long @Nullable [] l1;
    private final Map<Long, TableSlice> unwritten;

    /** Tables that nobody changes. */
    MappingTables(
            StorageNode storage, Geometry geometry, String l1Name, long l1Offset, int l1Entries) {
        this(storage, geometry, l1Name, l1Offset, l1Entries, Map.of());
    }

    /**
     * @param l1Name what messages call the L1 table
     * @param l1Offset host offset, aligned
     * @param l1Entries within its limit
     * @param unwritten slices, by number, of which the file has an older state; safe for many
     *     threads
     */
    MappingTables(
            StorageNode storage,
            Geometry geometry,
            String l1Name,
            long l1Offset,
            int l1Entries,
            Map<Long, TableSlice> unwritten) {
        this.unwritten = unwritten;
        this.storage = storage;
        this.geometry = geometry;
        this.l1Name = l1Name;
        this.l1Offset = l1Offset;
        this.l1Entries = l1Entries;
    }

    /**
     * Changes an entry in memory. The table that it leads to, or to which it led, holds the same as
     * long as anybody may still see the other; so readers need not be told.
     */
    void setL1(int index, long entry) {
        l1()[index] = entry;
    }

    /** Where an entry of the L1 table lies. */
    long l1EntryOffset(int index) {
        return l1Offset + (long) index * Long.BYTES;
    }

    /** Returns the L1 table, changed by {@link #setL1} only. */
    long[] l1() {
        long[] table = l1;
        return table != null ? table : loadL1();
    }

    private synchronized long[] loadL1() {
        long[] table = l1;
        if (table == null) {
            table = Tables.readEntries(storage, l1Name, l1Offset, l1Entries);
            l1 = table;
        }
        return table;
    }

    /** Loads a slice, numbered from the first of the first table on. */
    @Override
    public TableSlice load(long number) {
        TableSlice inMemory = unwritten.get(number);
        if (inMemory != null) {
            return inMemory;
        }
        int l1Index = geometry.l1IndexOfSlice(number);
        // A snapshot's L1 table may be shorter than the disk has become.
        long tableOffset = l1Index < l1Entries ? tableOffset(l1Index) : 0;
        if (tableOffset == 0) {
            return TableSlice.EMPTY;
        }
        return slice(read(l1Index, tableOffset, number, 1));
    }

    private long[] read(int l1Index, long tableOffset, long first, int slices) {
        storage.event(BlockEvent.L2_LOAD);
        return Tables.readEntries(
                storage,
                "L2 table " + l1Index,
                tableOffset + geometry.sliceOffset(first),
                slices * wordsPerSlice());
    }

    private int wordsPerSlice() {
        return geometry.sliceBytes() / Long.BYTES;
    }

    @Override
    public TableSlice[] load(long first, int count) {
        // Looked for before the file is read: what is written there is forgotten here.
        Map<Long, TableSlice> newer = new HashMap<>();
        for (long number = first; number < first + count; number++) {
            TableSlice inMemory = unwritten.get(number);
            if (inMemory != null) {
                newer.put(number, inMemory);
            }
        }
        TableSlice[] slices = new TableSlice[count];
        Arrays.fill(slices, TableSlice.EMPTY);
        int l1Index = geometry.l1IndexOfSlice(first);
        long tableOffset = l1Index < l1Entries ? tableOffset(l1Index) : 0;
        if (tableOffset != 0) {
            long[] words = read(l1Index, tableOffset, first, count);
            int each = wordsPerSlice();
            Arrays.setAll(slices, i -> slice(Arrays.copyOfRange(words, i * each, (i + 1) * each)));
        }
        newer.forEach((number, slice) -> slices[(int) (number - first)] = slice);
        return slices;
    }

    private TableSlice slice(long[] words) {
        return TableSlice.of(words, geometry);
    }

    /** Where an L2 table lies; 0 if there is none. */
    long tableOffset(int l1Index) {
        long tableOffset = L2Entry.hostOffset(l1()[l1Index]);
        if (!geometry.isAligned(tableOffset)) {
            throw new BlockException.Corrupt(
                    storage.name(),
                    l1Name,
                    l1Offset + (long) l1Index * Long.BYTES,
                    "entry %d points to an L2 table at 0x%x, not a multiple of the cluster size"
                            .formatted(l1Index, tableOffset));
        }
        return tableOffset;
    }
}
