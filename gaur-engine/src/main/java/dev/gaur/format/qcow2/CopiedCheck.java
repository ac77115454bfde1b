package dev.gaur.format.qcow2;

import dev.gaur.block.BlockException;
import dev.gaur.format.qcow2.CheckLog.Place;
import org.jspecify.annotations.Nullable;

/**
 * Compares the COPIED flags of the active state with the stored counts, entry by entry, and repairs
 * them if there is a writer (invariant Q4). Only needed when {@link TreeScan} has a suspicion, or
 * after counts were repaired.
 *
 * <p>Source: the specification, "L1 table entry", "L2 table entry", bit 63.
 */
final class CopiedCheck {
    /** In the place of an index: a table that was left for later. */
    private static final int SHARED = -1;

    private final MetadataReader reader;
    private final Header header;
    private final Geometry geometry;
    private final ReferenceScan scan;
    private final DiskCounts disk;
    private final CheckLog log;
    private final @Nullable MetadataWriter writer;
    private final long[] table;
    private long times = 1;
    private boolean mayWrite;
    private int firstChanged;
    private int lastChanged;

    /**
     * @param writer null to change nothing
     */
    CopiedCheck(
            MetadataReader reader,
            Header header,
            ReferenceScan scan,
            CheckLog log,
            @Nullable MetadataWriter writer) {
        this.reader = reader;
        this.header = header;
        this.geometry = header.geometry();
        this.scan = scan;
        this.disk = scan.disk();
        this.log = log;
        this.writer = writer;
        this.table = new long[geometry.tableEntriesPerCluster()];
    }

    /**
     * Looks at the whole active state.
     *
     * @throws BlockException if a table cannot be read or written
     */
    void run() {
        long[] l1 = new long[header.l1Entries()];
        reader.readNumbers(header.l1TableOffset(), l1, l1.length);
        TableVisits visits = new TableVisits(geometry, reader.length());
        for (int i = 0; i < l1.length; i++) {
            long l2Offset = L2Entry.hostOffset(l1[i]);
            if (l2Offset != 0) {
                log.stopIfCancelled();
                if (checkTable(i, l1, l2Offset) && visits.turn(l2Offset) == TableVisits.Turn.NOW) {
                    checkEntries(i, l2Offset);
                }
            }
        }
        visits.forEachLater(
                (l2Offset, so) -> {
                    times = so;
                    checkEntries(SHARED, l2Offset);
                });
    }

    /** Checks an L1 entry; false if the count of its table is unknown, which was said before. */
    private boolean checkTable(int l1Index, long[] l1, long l2Offset) {
        long entry = l1[l1Index];
        boolean one;
        try {
            one = isOne(l2Offset);
        } catch (BlockException _) {
            return false;
        }
        if (L2Entry.isCopied(entry) != one) {
            mayWrite = mayWriteL1(l1Index);
            String text =
                    "OFLAG_COPIED L2 cluster: l1_index=%d l1_entry=%x refcount=%s"
                            .formatted(l1Index, entry, stored(l2Offset));
            if (tell(place("L1 entry " + l1Index, l1Index, 0, geometry.l2Coverage()), text)) {
                l1[l1Index] = entry ^ L2Entry.COPIED;
                save(header.l1TableOffset(), l1, l1Index, l1Index);
            }
        }
        return true;
    }

    private boolean mayWriteL1(int l1Index) {
        long offset = header.l1TableOffset() + (long) l1Index * Long.BYTES;
        return writer != null && scan.isReferencedOnce(geometry.clusterIndex(offset));
    }

    private boolean isOne(long hostOffset) {
        long cluster = geometry.clusterIndex(hostOffset);
        return disk.isOne(cluster) || (disk.isUnknown(cluster) && disk.get(cluster) == 1);
    }

    private String stored(long hostOffset) {
        return Long.toUnsignedString(disk.get(geometry.clusterIndex(hostOffset)));
    }

    private void checkEntries(int l1Index, long l2Offset) {
        reader.readNumbers(l2Offset, table, table.length);
        mayWrite = writer != null && scan.isOnlyL2Table(l2Offset);
        boolean dataFile = header.has(Header.DATA_FILE);
        int step = geometry.l2EntrySize() / Long.BYTES;
        firstChanged = -1;
        for (int i = 0; i < geometry.l2Entries(); i++) {
            long entry = table[i * step];
            if (entry == 0) {
                continue;
            }
            switch (L2Entry.kind(entry, geometry.extendedL2(), dataFile)) {
                case NORMAL, ZERO_ALLOCATED -> checkEntry(l1Index, i, i * step, dataFile);
                case UNALLOCATED, ZERO_PLAIN, COMPRESSED -> {}
            }
        }
        if (firstChanged >= 0) {
            save(l2Offset, table, firstChanged, lastChanged);
        }
    }

    private void checkEntry(int l1Index, int l2Index, int at, boolean dataFile) {
        long entry = table[at];
        long hostOffset = L2Entry.hostOffset(entry);
        boolean one;
        try {
            one = dataFile || isOne(hostOffset);
        } catch (BlockException _) {
            return; // Said before, when counts were compared.
        }
        if (L2Entry.isCopied(entry) == one) {
            return;
        }
        String structure = "L2 table %d, entry %d".formatted(l1Index, l2Index);
        String text =
                "OFLAG_COPIED data cluster: l2_entry=%x refcount=%s"
                        .formatted(entry, dataFile ? "1" : stored(hostOffset));
        if (tell(place(structure, l1Index, l2Index, geometry.clusterSize()), text)) {
            table[at] = entry ^ L2Entry.COPIED;
            firstChanged = firstChanged < 0 ? at : firstChanged;
            lastChanged = at;
        }
    }

    /** Reports a wrong flag; returns whether to change it. */
    private boolean tell(Place place, String text) {
        if (mayWrite) {
            log.repairCorruption(place, "Repairing " + text);
        } else {
            log.corruption(place, "ERROR " + text, times);
        }
        return mayWrite;
    }

    private void save(long tableOffset, long[] entries, int first, int last) {
        if (writer != null) {
            writer.writeNumbers(tableOffset, entries, first, last - first + 1);
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
