package dev.gaur.format.qcow2;

import dev.gaur.block.BlockException;
import dev.gaur.block.StorageNode;
import dev.gaur.format.CheckListener;
import dev.gaur.format.CheckReport;
import dev.gaur.format.Checker;
import dev.gaur.format.qcow2.CheckLog.Place;
import dev.gaur.format.qcow2.TreeScan.Tree;
import java.nio.ByteBuffer;

/**
 * Checks an image: counts all references to each cluster, compares with the stored counts, and the
 * COPIED flags with these. Verdict, counters and lines are QEMU's, in its order; where QEMU does
 * not open an image with broken bitmaps, this reports them.
 *
 * <p>All tables are read from the file, past the cache of an open image, which may hold the same
 * damage. Memory grows with the clusters that are in use ({@link ReferenceCounts}), never with what
 * a field of the image claims. Nothing is written.
 */
final class ConsistencyCheck implements Checker {
    /** QEMU counts clusters in an int. */
    private static final long CLUSTERS_MAX = Integer.MAX_VALUE;

    private final StorageNode storage;
    private final Header header;

    /**
     * @param storage the image file
     * @param header its header; snapshot table and refcount table need not be legal
     */
    ConsistencyCheck(StorageNode storage, Header header) {
        this.storage = storage;
        this.header = header;
    }

    @Override
    public CheckReport check(CheckListener listener) {
        CheckLog log = new CheckLog(listener);
        MetadataReader reader = new MetadataReader(storage);
        try {
            return check(reader, log);
        } catch (SnapshotScan.Unusable unusable) {
            log.checkError(Place.of("snapshot table", header.snapshotsOffset()), unusable.text());
            return CheckReport.failed(unusable.failure(), log.checkErrors(), log.corruptions());
        } catch (BlockException.Media unreadable) {
            log.checkError(
                    Place.of(unreadable.structure(), unreadable.offset()),
                    "ERROR: " + unreadable.getMessage());
            return CheckReport.failed("Input/output error", log.checkErrors(), log.corruptions());
        }
    }

    private CheckReport check(MetadataReader reader, CheckLog log) throws SnapshotScan.Unusable {
        SnapshotScan snapshots =
                SnapshotScan.read(reader, header, log, SnapshotScan.TABLE_BYTES_MAX);
        Geometry geometry = header.geometry();
        long clusters = geometry.clustersFor(reader.length());
        if (clusters > CLUSTERS_MAX) {
            log.checkError(Place.of("", -1), "ERROR the file has too many clusters: " + clusters);
            return CheckReport.failed("File too large", log.checkErrors(), log.corruptions());
        }
        long[] table = readRefcountTable(reader, geometry);
        DiskCounts disk = new DiskCounts(reader, geometry, table, clusters);
        disk.load();
        ReferenceCounts counts = new ReferenceCounts(clusters, header.refcountOrder());
        ReferenceCounter counter = new ReferenceCounter(geometry, counts, reader.length(), log);
        TreeScan trees = new TreeScan(reader, header, counter, disk, log);

        countAll(counter, trees, snapshots, log);
        new BitmapScan(reader, header, counter, log).scan();
        RefcountScan refcounts =
                new RefcountScan(geometry, table, counts, disk, new GuestUse(reader, header), log);
        refcounts.countBlocks(counter);
        refcounts.compare();
        if (trees.isCopiedSuspect()) {
            new CopiedCheck(reader, header, disk, log).run();
        }
        return new CheckReport(
                "",
                log.checkErrors(),
                log.corruptions(),
                log.leaks(),
                geometry.clusterOffset(refcounts.highestCluster() + 1),
                geometry.clustersFor(header.size() & -Geometry.SECTOR),
                trees.allocated(),
                trees.compressed(),
                trees.fragmented());
    }

    private long[] readRefcountTable(MetadataReader reader, Geometry geometry) {
        int entries = header.refcountTableClusters() * geometry.tableEntriesPerCluster();
        long[] table = new long[entries];
        reader.readNumbers(header.refcountTableOffset(), table, entries);
        return table;
    }

    /** Counts all but bitmaps and refcount blocks. */
    private void countAll(
            ReferenceCounter counter, TreeScan trees, SnapshotScan snapshots, CheckLog log) {
        Geometry geometry = header.geometry();
        counter.count(0, geometry.clusterSize(), _ -> Place.of("header", 0));
        trees.scan(new Tree("", header.l1TableOffset(), header.l1Entries(), true));
        if (header.has(Header.DATA_FILE) && !snapshots.entries().isEmpty()) {
            log.corruption(
                    Place.of("snapshot table", header.snapshotsOffset()),
                    "ERROR %d snapshots in image with data file"
                            .formatted(snapshots.entries().size()));
        }
        for (SnapshotScan.Entry each : snapshots.entries()) {
            scanSnapshot(each, trees, log);
        }
        trees.finishSnapshots();
        counter.count(
                header.snapshotsOffset(),
                snapshots.bytes(),
                _ -> Place.of("snapshot table", header.snapshotsOffset()));
        counter.count(
                header.refcountTableOffset(),
                geometry.clusterOffset(header.refcountTableClusters()),
                _ -> Place.of("refcount table", header.refcountTableOffset()));
        header.extension(HeaderExtension.ENCRYPTION_HEADER)
                .ifPresent(each -> countEncryptionHeader(each, counter));
    }

    private void scanSnapshot(SnapshotScan.Entry snapshot, TreeScan trees, CheckLog log) {
        String who = "snapshot %s (%s)".formatted(snapshot.id(), snapshot.name());
        Place place = Place.of(who, -1);
        if (!header.geometry().isAligned(snapshot.l1Offset())) {
            log.corruption(
                    place,
                    "ERROR %s l1_offset=%s: L1 table is not cluster aligned; snapshot table entry"
                                    .formatted(who, CheckLog.hex(snapshot.l1Offset()))
                            + " corrupted");
        } else if (snapshot.l1Entries() > HeaderCodec.L1_BYTES_MAX / Long.BYTES) {
            log.corruption(
                    place,
                    "ERROR %s l1_size=%s: L1 table is too large; snapshot table entry corrupted"
                            .formatted(who, CheckLog.hex(snapshot.l1Entries())));
        } else {
            int entries = (int) snapshot.l1Entries();
            trees.scan(new Tree(who + ": ", snapshot.l1Offset(), entries, false));
        }
    }

    private static void countEncryptionHeader(HeaderExtension pointer, ReferenceCounter counter) {
        ByteBuffer fields = ByteBuffer.wrap(pointer.data());
        long offset = fields.getLong(0);
        counter.count(offset, fields.getLong(8), _ -> Place.of("LUKS header", offset));
    }
}
