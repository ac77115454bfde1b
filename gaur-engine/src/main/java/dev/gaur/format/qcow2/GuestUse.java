package dev.gaur.format.qcow2;

import dev.gaur.format.qcow2.CheckLog.Place;
import java.util.Arrays;

/**
 * Finds out which part of the guest's disk lies in given clusters of the file, by another walk over
 * the active state. Only done when something is wrong. Of a table that very many entries name it
 * finds the first users only.
 */
final class GuestUse {
    private final MetadataReader reader;
    private final Header header;
    private final Geometry geometry;
    private long[] clusters = {};
    private String[] structures = {};
    private long[] guestOffsets = {};
    private long[] guestLengths = {};

    GuestUse(MetadataReader reader, Header header) {
        this.reader = reader;
        this.header = header;
        this.geometry = header.geometry();
    }

    /**
     * Looks for users of clusters; forgets those of the last call.
     *
     * @param wanted numbers of clusters, ascending
     * @throws dev.gaur.block.BlockException if a table cannot be read
     */
    void find(long[] wanted) {
        clusters = wanted;
        structures = new String[wanted.length];
        guestOffsets = new long[wanted.length];
        guestLengths = new long[wanted.length];
        if (wanted.length == 0) {
            return;
        }
        long[] l1 = new long[header.l1Entries()];
        reader.readNumbers(header.l1TableOffset(), l1, l1.length);
        long[] table = new long[geometry.tableEntriesPerCluster()];
        TableVisits visits = new TableVisits(geometry, reader.length());
        for (int i = 0; i < l1.length; i++) {
            long l2Offset = L2Entry.hostOffset(l1[i]);
            if (l2Offset != 0) {
                note(
                        l2Offset,
                        1,
                        "L2 table " + i,
                        geometry.guestOffset(i, 0),
                        geometry.l2Coverage());
                if (visits.turn(l2Offset) == TableVisits.Turn.NOW) {
                    reader.readNumbers(l2Offset, table, table.length);
                    findInTable(i, table);
                }
            }
        }
    }

    private void findInTable(int l1Index, long[] table) {
        int step = geometry.l2EntrySize() / Long.BYTES;
        int clusterBits = geometry.clusterBits();
        for (int i = 0; i < geometry.l2Entries(); i++) {
            long entry = table[i * step];
            boolean compressed = L2Entry.isCompressed(entry);
            if (!compressed && (L2Entry.hostOffset(entry) == 0 || header.has(Header.DATA_FILE))) {
                continue;
            }
            long hostOffset =
                    compressed
                            ? L2Entry.compressedOffset(entry, clusterBits)
                            : L2Entry.hostOffset(entry);
            int length = compressed ? L2Entry.compressedBytes(entry, clusterBits) : 1;
            long guestOffset = geometry.guestOffset(l1Index, i);
            note(hostOffset, length, "guest data", guestOffset, geometry.clusterSize());
        }
    }

    private void note(
            long hostOffset, int length, String structure, long guestOffset, long guestLength) {
        long first = geometry.clusterIndex(hostOffset);
        long last = geometry.clusterIndex(hostOffset + length - 1);
        if (first > clusters[clusters.length - 1] || last < clusters[0]) {
            return; // Most of an image is far from what is broken.
        }
        int at = Arrays.binarySearch(clusters, first);
        for (int i = at < 0 ? -at - 1 : at; i < clusters.length && clusters[i] <= last; i++) {
            boolean unknown = guestLengths[i] == 0;
            if (unknown && guestOffset < header.size()) {
                structures[i] = structure;
                guestOffsets[i] = guestOffset;
                guestLengths[i] = guestLength;
            } else if (guestOffset == guestOffsets[i] + guestLengths[i]) {
                guestLengths[i] += guestLength;
            }
        }
    }

    /** Returns who uses a cluster, as far as {@link #find} looked for it: its first user. */
    Place place(long cluster, long hostOffset) {
        int at = Arrays.binarySearch(clusters, cluster);
        if (at < 0 || guestLengths[at] == 0) {
            return Place.of("cluster " + cluster, hostOffset);
        }
        String structure = "cluster %d (%s)".formatted(cluster, structures[at]);
        long length = Math.min(guestLengths[at], header.size() - guestOffsets[at]);
        return new Place(structure, hostOffset, guestOffsets[at], length);
    }
}
