package dev.gaur.format.qcow2;

import dev.gaur.block.BlockException;
import dev.gaur.format.qcow2.CheckLog.Place;

/**
 * Compares the COPIED flags of the active state with the stored counts, entry by entry. Only needed
 * when {@link TreeScan} has a suspicion, or when flags are to be repaired.
 *
 * <p>Source: the specification, "L1 table entry", "L2 table entry", bit 63.
 */
final class CopiedCheck {
    /** In the place of an index: a table that was left for later. */
    private static final int SHARED = -1;

    private final MetadataReader reader;
    private final Header header;
    private final Geometry geometry;
    private final DiskCounts disk;
    private final CheckLog log;
    private final long[] table;
    private long times = 1;

    CopiedCheck(MetadataReader reader, Header header, DiskCounts disk, CheckLog log) {
        this.reader = reader;
        this.header = header;
        this.geometry = header.geometry();
        this.disk = disk;
        this.log = log;
        this.table = new long[geometry.tableEntriesPerCluster()];
    }

    /**
     * Looks at the whole active state.
     *
     * @throws BlockException if a table cannot be read
     */
    void run() {
        long[] l1 = new long[header.l1Entries()];
        reader.readNumbers(header.l1TableOffset(), l1, l1.length);
        TableVisits visits = new TableVisits(geometry, reader.length());
        for (int i = 0; i < l1.length; i++) {
            long l2Offset = L2Entry.hostOffset(l1[i]);
            if (l2Offset != 0
                    && checkTable(i, l1[i], l2Offset)
                    && visits.turn(l2Offset) == TableVisits.Turn.NOW) {
                checkEntries(i, l2Offset);
            }
        }
        visits.forEachLater(
                (l2Offset, so) -> {
                    times = so;
                    checkEntries(SHARED, l2Offset);
                });
    }

    /** Checks an L1 entry; false if the count of its table is unknown, which was said before. */
    private boolean checkTable(int l1Index, long entry, long l2Offset) {
        long cluster = geometry.clusterIndex(l2Offset);
        if (disk.isKnown(L2Entry.isCopied(entry), cluster)) {
            return true;
        }
        long count;
        try {
            count = disk.get(cluster);
        } catch (BlockException _) {
            return false;
        }
        if (L2Entry.isCopied(entry) != (count == 1)) {
            log.corruption(
                    place("L1 entry " + l1Index, l1Index, 0, geometry.l2Coverage()),
                    "ERROR OFLAG_COPIED L2 cluster: l1_index=%d l1_entry=%x refcount=%s"
                            .formatted(l1Index, entry, Long.toUnsignedString(count)));
        }
        return true;
    }

    private void checkEntries(int l1Index, long l2Offset) {
        reader.readNumbers(l2Offset, table, table.length);
        boolean dataFile = header.has(Header.DATA_FILE);
        int step = geometry.l2EntrySize() / Long.BYTES;
        for (int i = 0; i < geometry.l2Entries(); i++) {
            long entry = table[i * step];
            switch (L2Entry.kind(entry, geometry.extendedL2(), dataFile)) {
                case NORMAL, ZERO_ALLOCATED -> checkEntry(l1Index, i, entry, dataFile);
                case UNALLOCATED, ZERO_PLAIN, COMPRESSED -> {}
            }
        }
    }

    private void checkEntry(int l1Index, int l2Index, long entry, boolean dataFile) {
        long cluster = geometry.clusterIndex(L2Entry.hostOffset(entry));
        if (!dataFile && disk.isKnown(L2Entry.isCopied(entry), cluster)) {
            return;
        }
        long count;
        try {
            count = dataFile ? 1 : disk.get(cluster);
        } catch (BlockException _) {
            return; // Said before, when counts were compared.
        }
        if (L2Entry.isCopied(entry) != (count == 1)) {
            String structure = "L2 table %d, entry %d".formatted(l1Index, l2Index);
            log.corruption(
                    place(structure, l1Index, l2Index, geometry.clusterSize()),
                    "ERROR OFLAG_COPIED data cluster: l2_entry=%x refcount=%s"
                            .formatted(entry, Long.toUnsignedString(count)),
                    times);
        }
    }

    private Place place(String structure, int l1Index, int l2Index, long length) {
        if (l1Index == SHARED) {
            return Place.of("L2 table that many L1 entries name, entry " + l2Index, -1);
        }
        long guestOffset = geometry.guestOffset(l1Index, l2Index);
        return Place.ofGuest(structure, guestOffset, length, header.size());
    }
}
