package dev.gaur.format.qcow2;

import dev.gaur.format.qcow2.CheckLog.Place;

/**
 * Walks L1 tables and the L2 tables that they name, counts all that these refer to and finds what
 * is wrong with their entries. Runs of entries that go on where the one before ended, which is
 * nearly all of most images, are taken in one step.
 *
 * <p>Tables are read by their offset and in the order of the L1, never followed any further: what
 * points to itself or to another's table does no harm. {@link TableVisits} bounds how often.
 */
final class TreeScan {
    /**
     * An L1 table and what hangs on it.
     *
     * @param name the prefix of structures' names in findings, empty for the active state
     */
    record Tree(String name, long l1Offset, int l1Entries, boolean active) {}

    private static final int L1_STEP = 8192;

    /** In the place of an index: a table that was left for later. */
    private static final int SHARED = -1;

    private final MetadataReader reader;
    private final Header header;
    private final Geometry geometry;
    private final boolean dataFile;
    private final ReferenceCounter counter;
    private final DiskCounts disk;
    private final CheckLog log;
    private final long[] table;
    private final int step;

    private final TableVisits activeVisits;
    private final TableVisits snapshotVisits;
    private long snapshotL1Bytes;
    private Tree tree = new Tree("", 0, 0, false);
    private long times = 1;
    private int l1Index;
    private long nextContiguous;
    private long allocated;
    private long compressed;
    private long fragmented;
    private boolean copiedSuspect;
    private boolean complete = true;
    private final ReferenceCounts tables;
    private final boolean leaveUnaligned;
    private long unaligned;

    /**
     * @param tables counts the references to clusters as L2 tables alone
     * @param leaveUnaligned whether entries that have an illegal place, but no data there, are only
     *     counted, to be repaired later
     */
    TreeScan(
            MetadataReader reader,
            Header header,
            ReferenceCounter counter,
            DiskCounts disk,
            ReferenceCounts tables,
            boolean leaveUnaligned,
            CheckLog log) {
        this.reader = reader;
        this.header = header;
        this.geometry = header.geometry();
        this.dataFile = header.has(Header.DATA_FILE);
        this.counter = counter;
        this.disk = disk;
        this.tables = tables;
        this.leaveUnaligned = leaveUnaligned;
        this.log = log;
        this.table = new long[geometry.tableEntriesPerCluster()];
        this.step = geometry.l2EntrySize() / Long.BYTES;
        this.activeVisits = new TableVisits(geometry, reader.length());
        this.snapshotVisits = new TableVisits(geometry, reader.length());
    }

    /** Clusters of the active state that have data or space of their own. */
    long allocated() {
        return allocated;
    }

    /** Of these, compressed. */
    long compressed() {
        return compressed;
    }

    /** Of these, not behind their predecessor of the same L2 table. */
    long fragmented() {
        return fragmented;
    }

    /** Whether some COPIED flag of the active state may be wrong; if false, none is. */
    boolean isCopiedSuspect() {
        return copiedSuspect;
    }

    /** Whether all tables were found. */
    boolean isComplete() {
        return complete;
    }

    /** How many entries were left to be repaired. */
    long unaligned() {
        return unaligned;
    }

    /**
     * Counts one tree; of a snapshot's, tables that very many entries name are left for {@link
     * #finishSnapshots}.
     *
     * @return false if it was not, since L1 tables overlap
     * @throws dev.gaur.block.BlockException if a table cannot be read
     */
    boolean scan(Tree scanned) {
        tree = scanned;
        long l1Bytes = (long) scanned.l1Entries() * Long.BYTES;
        complete &=
                counter.count(
                        scanned.l1Offset(),
                        l1Bytes,
                        cluster -> Place.of(scanned.name() + "L1 table", scanned.l1Offset()));
        long inFile = (reader.length() - scanned.l1Offset() + Long.BYTES - 1) / Long.BYTES;
        int entries = Math.clamp(inFile, 0, scanned.l1Entries());
        if (!scanned.active() && isTooMuch((long) entries * Long.BYTES)) {
            complete = false;
            log.checkError(
                    Place.of(scanned.name() + "L1 table", scanned.l1Offset()),
                    "ERROR %sL1 tables of snapshots overlap, not examined"
                            .formatted(scanned.name()));
            return false;
        }
        long[] l1 = new long[Math.min(L1_STEP, entries)];
        for (int first = 0; first < entries; first += L1_STEP) {
            int count = Math.min(L1_STEP, entries - first);
            reader.readNumbers(scanned.l1Offset() + (long) first * Long.BYTES, l1, count);
            for (int i = 0; i < count; i++) {
                if (l1[i] != 0) {
                    l1Index = first + i;
                    scanL1Entry(l1[i]);
                }
            }
            log.listener().progress(first + count, entries);
            log.stopIfCancelled();
        }
        if (scanned.active()) {
            scanLater(activeVisits);
        }
        return true;
    }

    /** Each snapshot of a sound image has an L1 table of its own: together, less than the file. */
    private boolean isTooMuch(long l1Bytes) {
        snapshotL1Bytes += l1Bytes;
        return snapshotL1Bytes > reader.length() + TableVisits.ALLOWANCE;
    }

    /** Counts what was left of snapshots' trees; to be called after the last of them. */
    void finishSnapshots() {
        tree = new Tree("snapshots: ", 0, 0, false);
        scanLater(snapshotVisits);
    }

    private void scanLater(TableVisits visits) {
        l1Index = SHARED;
        visits.forEachLater(
                (l2Offset, so) -> {
                    times = so;
                    reader.readNumbers(l2Offset, table, table.length);
                    scanTable();
                });
        times = 1;
    }

    private void scanL1Entry(long entry) {
        if ((entry & L2Entry.L1_RESERVED) != 0) {
            log.corruption(
                    l1Place(), "ERROR found L1 entry with reserved bits set: %x".formatted(entry));
        }
        long l2Offset = L2Entry.hostOffset(entry);
        boolean aligned = geometry.isAligned(l2Offset);
        boolean inFile = counter.count(l2Offset, geometry.clusterSize(), cluster -> l1Place());
        complete &= aligned && inFile;
        if (aligned && inFile) {
            long cluster = geometry.clusterIndex(l2Offset);
            tables.growTo(cluster + 1);
            tables.increment(cluster, 1);
        } else if (!aligned) {
            log.corruption(
                    l1Place(),
                    "ERROR l2_offset=%x: Table is not cluster aligned; L1 entry corrupted"
                            .formatted(l2Offset));
        }
        if (l2Offset != 0) {
            noteCopied(L2Entry.isCopied(entry), l2Offset, 1);
        }
        TableVisits visits = tree.active() ? activeVisits : snapshotVisits;
        switch (visits.turn(l2Offset)) {
            case NOW -> {
                reader.readNumbers(l2Offset, table, table.length);
                scanTable();
            }
            case LATER, NOTHING -> {}
            case TOO_MUCH -> {
                complete = false;
                log.checkError(
                        l1Place(),
                        "ERROR l2_offset=%x: too many unaligned tables, not examined"
                                .formatted(l2Offset));
            }
        }
    }

    private void scanTable() {
        int entries = geometry.l2Entries();
        nextContiguous = 0;
        int at = 0;
        while (at < entries) {
            long entry = table[at * step];
            if (entry == 0 && bitmap(at) == 0) {
                at++;
            } else if (isPlain(entry, bitmap(at))) {
                int run = runLength(at, entries, L2Entry.hostOffset(entry));
                scanRun(at, entry, run);
                at += run;
            } else {
                scanEntry(at, entry);
                at++;
            }
        }
    }

    private long bitmap(int at) {
        return geometry.extendedL2() ? table[at * step + 1] : 0;
    }

    /** Whether an entry is the usual: an aligned place in the file, and nothing else to say. */
    private boolean isPlain(long entry, long bitmap) {
        long hostOffset = L2Entry.hostOffset(entry);
        return (entry & (L2Entry.STANDARD_RESERVED | L2Entry.COMPRESSED)) == 0
                && hostOffset != 0
                && geometry.isAligned(hostOffset)
                && !L2Entry.isInvalid(bitmap, true)
                && (dataFile || counter.clustersFrom(hostOffset) > 0);
    }

    /** How many plain entries from {@code at} on name clusters that follow each other. */
    private int runLength(int at, int entries, long hostOffset) {
        long fit = dataFile ? entries : counter.clustersFrom(hostOffset);
        int end = (int) Math.min(entries, at + fit);
        long clusterSize = geometry.clusterSize();
        long expected = table[at * step] + clusterSize;
        int next = at + 1;
        if (step == 1) {
            while (next < end && table[next] == expected) {
                next++;
                expected += clusterSize;
            }
            return next - at;
        }
        while (next < end
                && table[next * step] == expected
                && !L2Entry.isInvalid(table[next * step + 1], true)) {
            next++;
            expected += clusterSize;
        }
        return next - at;
    }

    private void scanRun(int at, long entry, int length) {
        long hostOffset = L2Entry.hostOffset(entry);
        countAllocated(hostOffset, length);
        noteDataCopied(L2Entry.isCopied(entry), hostOffset, length);
        if (!dataFile) {
            long first = geometry.clusterIndex(hostOffset);
            counter.countClusters(
                    first, length, times, cluster -> entryPlace(at + (int) (cluster - first)));
        }
    }

    private void countAllocated(long hostOffset, int clusters) {
        if (tree.active()) {
            allocated += clusters * times;
            if (nextContiguous != 0 && nextContiguous != hostOffset) {
                fragmented += times;
            }
            nextContiguous = hostOffset + (long) clusters * geometry.clusterSize();
        }
    }

    private void noteCopied(boolean copied, long hostOffset, int clusters) {
        if (!tree.active() || copiedSuspect) {
            return;
        }
        boolean known = !disk.isUnreadable() && counter.clustersFrom(hostOffset) >= clusters;
        copiedSuspect = !known || !disk.areAll(copied, geometry.clusterIndex(hostOffset), clusters);
    }

    private void noteDataCopied(boolean copied, long hostOffset, int clusters) {
        if (!dataFile) {
            noteCopied(copied, hostOffset, clusters);
        } else if (tree.active()) {
            copiedSuspect |= !copied;
        }
    }

    private void scanEntry(int at, long entry) {
        boolean extended = geometry.extendedL2();
        L2Entry.Kind kind = L2Entry.kind(entry, extended, dataFile);
        if (kind != L2Entry.Kind.COMPRESSED && (entry & L2Entry.STANDARD_RESERVED) != 0) {
            log.corruption(
                    entryPlace(at),
                    "ERROR found l2 entry with reserved bits set: %x".formatted(entry),
                    times);
        }
        switch (kind) {
            case COMPRESSED -> scanCompressed(at, entry);
            case NORMAL, ZERO_ALLOCATED -> scanAllocated(at, entry);
            case UNALLOCATED -> {
                if (L2Entry.isInvalid(bitmap(at), false)) {
                    scanUnallocated(at);
                }
            }
            case ZERO_PLAIN -> {}
        }
    }

    private void scanUnallocated(int at) {
        if ((bitmap(at) & L2Entry.ALL_SUBCLUSTERS_ALLOCATED) != 0) {
            log.corruption(
                    entryPlace(at),
                    "ERROR: Unallocated cluster has non-zero subcluster allocation map",
                    times);
        }
    }

    private void scanCompressed(int at, long entry) {
        int clusterBits = geometry.clusterBits();
        long hostOffset = L2Entry.compressedOffset(entry, clusterBits);
        long cleared = entry & ~L2Entry.COPIED;
        if (L2Entry.isCopied(entry)) {
            log.corruption(
                    entryPlace(at),
                    "ERROR: coffset=0x%x: copied flag must never be set for compressed clusters"
                            .formatted(hostOffset),
                    times);
        }
        if (dataFile) {
            log.corruption(
                    entryPlace(at),
                    "ERROR compressed cluster %d with data file, entry=0x%x".formatted(at, cleared),
                    times);
        } else if (bitmap(at) != 0) {
            log.corruption(
                    entryPlace(at),
                    "ERROR compressed cluster %d with non-zero subcluster allocation bitmap,"
                                    .formatted(at)
                            + " entry=0x%x".formatted(cleared),
                    times);
        } else {
            int length = L2Entry.compressedBytes(entry, clusterBits);
            counter.count(hostOffset, length, times, cluster -> entryPlace(at));
            if (tree.active()) {
                allocated += times;
                compressed += times;
                fragmented += times;
            }
        }
    }

    private void scanAllocated(int at, long entry) {
        long hostOffset = L2Entry.hostOffset(entry);
        long bitmap = bitmap(at);
        if (L2Entry.isInvalid(bitmap, true)) {
            log.corruption(
                    entryPlace(at),
                    "ERROR offset=%x: Allocated cluster has corrupted subcluster allocation bitmap"
                            .formatted(hostOffset),
                    times);
        }
        if (!geometry.isAligned(hostOffset)) {
            boolean holdsData = L2Entry.holdsData(entry, bitmap, geometry.extendedL2());
            if (leaveUnaligned && !holdsData) {
                unaligned++;
                return;
            }
            log.corruption(
                    entryPlace(at),
                    "ERROR offset=%x: %s cluster is not properly aligned; L2 entry corrupted."
                            .formatted(hostOffset, holdsData ? "Data" : "Preallocated"),
                    times);
        }
        countAllocated(hostOffset, 1);
        noteDataCopied(L2Entry.isCopied(entry), hostOffset, 1);
        if (!dataFile) {
            counter.count(hostOffset, geometry.clusterSize(), times, cluster -> entryPlace(at));
        }
    }

    private Place l1Place() {
        return place("L1 entry " + l1Index, 0, geometry.l2Coverage());
    }

    private Place entryPlace(int l2Index) {
        String structure = "L2 table %d, entry %d".formatted(l1Index, l2Index);
        return place(structure, l2Index, geometry.clusterSize());
    }

    private Place place(String structure, int l2Index, long length) {
        if (l1Index == SHARED) {
            String shared = "L2 table that many L1 entries name, entry " + l2Index;
            return Place.of(tree.name() + shared, -1);
        }
        long guestOffset = geometry.guestOffset(l1Index, l2Index);
        return Place.ofGuest(tree.name() + structure, guestOffset, length, header.size());
    }
}
