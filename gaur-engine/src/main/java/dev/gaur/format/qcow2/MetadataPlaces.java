package dev.gaur.format.qcow2;

import dev.gaur.block.StorageNode;

/**
 * Finds all clusters that hold metadata, so that no write of guest data hits them (Q5): a bit for
 * each, which costs next to nothing at every write. What lies behind the end of the file is left
 * out: nobody can be given that.
 */
final class MetadataPlaces {
    private final StorageNode file;
    private final Header header;
    private final Geometry geometry;
    private final ClusterSet places;

    MetadataPlaces(StorageNode file, Header header, ClusterSet places) {
        this.file = file;
        this.header = header;
        this.geometry = header.geometry();
        this.places = places;
    }

    /**
     * Adds all there is. Reads the L1 tables of snapshots, too.
     *
     * @param activeL1 the active L1 table, with all its entries
     */
    void addAll(long[] activeL1, Refcounts refcounts) {
        add(0, 1);
        add(header.l1TableOffset(), (long) header.l1Entries() * Long.BYTES);
        addTables(activeL1);
        long tableBytes = geometry.clusterOffset(header.refcountTableClusters());
        add(header.refcountTableOffset(), tableBytes);
        for (long block : refcounts.blockOffsets()) {
            add(block, geometry.clusterSize());
        }
        if (header.snapshotCount() > 0) {
            SnapshotTable snapshots = SnapshotTable.read(file, header);
            add(header.snapshotsOffset(), snapshots.bytes());
            snapshots.snapshots().forEach(this::addSnapshot);
        }
    }

    private void addSnapshot(SnapshotTable.Snapshot snapshot) {
        long entries = snapshot.l1Entries();
        long offset = snapshot.l1Offset();
        boolean legal =
                entries <= HeaderCodec.L1_BYTES_MAX / Long.BYTES
                        && offset > 0
                        && offset <= file.length() - entries * Long.BYTES;
        if (legal) { // Else the snapshot is damaged, and its check's business.
            add(offset, entries * Long.BYTES);
            addTables(Tables.readEntries(file, snapshot.l1Name(), offset, (int) entries));
        }
    }

    private void addTables(long[] l1) {
        for (long entry : l1) {
            add(L2Entry.hostOffset(entry), geometry.clusterSize());
        }
    }

    private void add(long hostOffset, long bytes) {
        boolean nothing = hostOffset == 0 && bytes > 1;
        if (!nothing && bytes > 0 && hostOffset >= 0 && hostOffset < file.length()) {
            long first = geometry.clusterIndex(hostOffset);
            long last = geometry.clusterIndex(Math.min(hostOffset + bytes, file.length()) - 1);
            places.add(first, last - first + 1);
        }
    }
}
