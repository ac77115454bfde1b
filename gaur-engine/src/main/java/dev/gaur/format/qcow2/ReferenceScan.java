package dev.gaur.format.qcow2;

import dev.gaur.format.CheckReport;
import dev.gaur.format.qcow2.CheckLog.Place;
import dev.gaur.format.qcow2.TreeScan.Tree;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;

/**
 * One pass over all that refers to clusters, and what is known of an image thereafter. The parts
 * are to be called in their order.
 */
final class ReferenceScan {
    private final MetadataReader reader;
    private final Header header;
    private final Geometry geometry;
    private final SnapshotScan snapshots;
    private final CheckLog log;
    private final long[] table;
    private DiskCounts disk;
    private ReferenceCounts counts;
    private final ReferenceCounts l2Tables;
    private final ReferenceCounter counter;
    private final TreeScan trees;
    private final RefcountScan refcounts;
    private final List<Tree> scanned = new ArrayList<>();
    private boolean complete = true;

    /**
     * Reads the stored counts.
     *
     * @param leaveUnaligned as in {@link TreeScan}
     * @throws dev.gaur.block.BlockException if the refcount table cannot be read
     */
    ReferenceScan(
            MetadataReader reader,
            Header header,
            SnapshotScan snapshots,
            boolean leaveUnaligned,
            CheckLog log) {
        this.reader = reader;
        this.header = header;
        this.geometry = header.geometry();
        this.snapshots = snapshots;
        this.log = log;
        long clusters = geometry.clustersFor(reader.length());
        this.table = readRefcountTable();
        this.disk = new DiskCounts(reader, geometry, table, clusters);
        disk.load();
        this.counts = new ReferenceCounts(clusters, header.refcountOrder());
        this.l2Tables = new ReferenceCounts(clusters, header.refcountOrder());
        this.counter = new ReferenceCounter(geometry, counts, reader.length(), log);
        this.trees = new TreeScan(reader, header, counter, disk, l2Tables, leaveUnaligned, log);
        GuestUse guestUse = new GuestUse(reader, header);
        this.refcounts = new RefcountScan(geometry, table, counts, disk, guestUse, log);
    }

    long[] table() {
        return table;
    }

    DiskCounts disk() {
        return disk;
    }

    ReferenceCounts counts() {
        return counts;
    }

    ReferenceCounter counter() {
        return counter;
    }

    TreeScan trees() {
        return trees;
    }

    RefcountScan refcounts() {
        return refcounts;
    }

    /**
     * Whether all references were found. Where not, a cluster that nobody seems to use may well
     * belong to what was not found.
     */
    boolean isComplete() {
        return complete && trees.isComplete();
    }

    /**
     * Whether all references to a cluster are to an L2 table, so that writing its entries there
     * changes nothing else.
     */
    boolean isOnlyL2Table(long hostOffset) {
        long cluster = geometry.clusterIndex(hostOffset);
        return counter.overflows() == 0
                && geometry.isAligned(hostOffset)
                && cluster < l2Tables.clusters()
                && counts.get(cluster) == l2Tables.get(cluster);
    }

    /** Whether a cluster is referenced once. */
    boolean isReferencedOnce(long cluster) {
        return counter.overflows() == 0 && cluster < counts.clusters() && counts.get(cluster) == 1;
    }

    /** Says that some reference was found but is not counted. */
    void setIncomplete() {
        complete = false;
    }

    /** Takes over what is counted and stored after a repair. */
    void replace(ReferenceCounts newCounts, DiskCounts newDisk) {
        counts = newCounts;
        disk = newDisk;
    }

    private long[] readRefcountTable() {
        int entries = header.refcountTableClusters() * geometry.tableEntriesPerCluster();
        long[] entriesRead = new long[entries];
        reader.readNumbers(header.refcountTableOffset(), entriesRead, entries);
        return entriesRead;
    }

    /** Counts all but snapshot table, refcount table and refcount blocks. */
    void countContent() {
        counter.count(0, geometry.clusterSize(), _ -> Place.of("header", 0));
        scanTree(new Tree("", header.l1TableOffset(), header.l1Entries(), true));
        if (header.has(Header.DATA_FILE) && !snapshots.entries().isEmpty()) {
            log.corruption(
                    Place.of("snapshot table", header.snapshotsOffset()),
                    "ERROR %d snapshots in image with data file"
                            .formatted(snapshots.entries().size()));
        }
        snapshots.entries().forEach(this::scanSnapshot);
        trees.finishSnapshots();
        header.extension(HeaderExtension.ENCRYPTION_HEADER).ifPresent(this::countEncryptionHeader);
        BitmapScan bitmaps = new BitmapScan(reader, header, counter, log);
        bitmaps.scan();
        complete &= bitmaps.isComplete();
    }

    /** Returns whether it lies in the file, and so was counted. */
    boolean countSnapshotTable() {
        return counter.count(
                header.snapshotsOffset(),
                snapshots.bytes(),
                _ -> Place.of("snapshot table", header.snapshotsOffset()));
    }

    void countRefcounts() {
        counter.count(
                header.refcountTableOffset(),
                geometry.clusterOffset(header.refcountTableClusters()),
                _ -> Place.of("refcount table", header.refcountTableOffset()));
        refcounts.countBlocks(counter);
    }

    private void scanTree(Tree tree) {
        if (trees.scan(tree)) {
            scanned.add(tree);
        }
    }

    private void scanSnapshot(SnapshotScan.Entry snapshot) {
        String who = "snapshot %s (%s)".formatted(snapshot.id(), snapshot.name());
        if (isLegal(snapshot, who)) {
            int entries = (int) snapshot.l1Entries();
            scanTree(new Tree(who + ": ", snapshot.l1Offset(), entries, false));
        } else {
            complete = false;
        }
    }

    /** The active state and the snapshots with a legal L1 table. */
    List<Tree> scannedTrees() {
        return scanned;
    }

    private boolean isLegal(SnapshotScan.Entry snapshot, String who) {
        Place place = Place.of(who, -1);
        if (!geometry.isAligned(snapshot.l1Offset())) {
            log.corruption(
                    place,
                    "ERROR %s l1_offset=%s: L1 table is not cluster aligned; snapshot table entry"
                                    .formatted(who, CheckLog.hex(snapshot.l1Offset()))
                            + " corrupted");
            return false;
        }
        if (snapshot.l1Entries() > HeaderCodec.L1_BYTES_MAX / Long.BYTES) {
            log.corruption(
                    place,
                    "ERROR %s l1_size=%s: L1 table is too large; snapshot table entry corrupted"
                            .formatted(who, CheckLog.hex(snapshot.l1Entries())));
            return false;
        }
        return true;
    }

    private void countEncryptionHeader(HeaderExtension pointer) {
        ByteBuffer fields = ByteBuffer.wrap(pointer.data());
        long offset = fields.getLong(0);
        counter.count(offset, fields.getLong(8), _ -> Place.of("LUKS header", offset));
    }

    /** What was found. */
    CheckReport report(long highestCluster) {
        return new CheckReport(
                "",
                log.checkErrors(),
                log.corruptions(),
                log.leaks(),
                geometry.clusterOffset(highestCluster + 1),
                geometry.clustersFor(header.size() & -Geometry.SECTOR),
                trees.allocated(),
                trees.compressed(),
                trees.fragmented(),
                log.corruptionsFixed(),
                log.leaksFixed());
    }
}
