package dev.gaur.format.qcow2;

import dev.gaur.format.qcow2.CheckLog.Place;
import dev.gaur.format.qcow2.TreeScan.Tree;

/**
 * Repairs L2 entries that reserve an illegal place for a cluster without data: the place is
 * forgotten, and the guest sees what it saw before.
 */
final class EntryRepair {
    private final MetadataReader reader;
    private final MetadataWriter writer;
    private final Header header;
    private final Geometry geometry;
    private final ReferenceScan scan;
    private final CheckLog log;
    private final long[] table;
    private final TableVisits visits;
    private long refused;

    EntryRepair(
            MetadataReader reader,
            MetadataWriter writer,
            Header header,
            ReferenceScan scan,
            CheckLog log) {
        this.reader = reader;
        this.writer = writer;
        this.header = header;
        this.geometry = header.geometry();
        this.scan = scan;
        this.log = log;
        this.visits = new TableVisits(geometry, reader.length());
        this.table = new long[geometry.tableEntriesPerCluster()];
    }

    /** Repairs the entries of all trees that were scanned. */
    void run() {
        for (Tree tree : scan.scannedTrees()) {
            repairTree(tree);
        }
    }

    /**
     * How many entries are as they were, since their table is something else, too. What they point
     * to is not counted.
     */
    long refused() {
        return refused;
    }

    private void repairTree(Tree tree) {
        long[] l1 = new long[tree.l1Entries()];
        reader.readNumbers(tree.l1Offset(), l1, l1.length);
        for (int i = 0; i < l1.length; i++) {
            long l2Offset = L2Entry.hostOffset(l1[i]);
            // What is left for later was looked at before.
            if (l1[i] != 0 && visits.turn(l2Offset) == TableVisits.Turn.NOW) {
                log.stopIfCancelled();
                repairTable(tree, i, l2Offset);
            }
        }
    }

    private void repairTable(Tree tree, int l1Index, long l2Offset) {
        reader.readNumbers(l2Offset, table, table.length);
        int step = geometry.l2EntrySize() / Long.BYTES;
        boolean mayWrite = scan.isOnlyL2Table(l2Offset);
        for (int i = 0; i < geometry.l2Entries(); i++) {
            long entry = table[i * step];
            if (!isRepairable(entry, step > 1 ? table[i * step + 1] : 0)) {
                continue;
            }
            String structure = tree.name() + "L2 table %d, entry %d".formatted(l1Index, i);
            long guestOffset = geometry.guestOffset(l1Index, i);
            Place place =
                    Place.ofGuest(structure, guestOffset, geometry.clusterSize(), header.size());
            String text =
                    "offset=%x: Preallocated cluster is not properly aligned; L2 entry corrupted."
                            .formatted(L2Entry.hostOffset(entry));
            if (mayWrite) {
                table[i * step] = geometry.extendedL2() ? 0 : L2Entry.ZERO;
                writer.writeNumbers(l2Offset, table, i * step, 1);
                log.repairCorruption(place, "Repairing " + text);
            } else {
                refused++;
                log.corruption(place, "ERROR " + text);
            }
        }
    }

    private boolean isRepairable(long entry, long bitmap) {
        boolean extended = geometry.extendedL2();
        return switch (L2Entry.kind(entry, extended, header.has(Header.DATA_FILE))) {
            case NORMAL, ZERO_ALLOCATED ->
                    !geometry.isAligned(L2Entry.hostOffset(entry))
                            && !L2Entry.holdsData(entry, bitmap, extended);
            case UNALLOCATED, ZERO_PLAIN, COMPRESSED -> false;
        };
    }
}
