package dev.gaur.format.qcow2;

import dev.gaur.format.CheckListener;
import dev.gaur.format.InspectionReport.Severity;
import dev.gaur.format.InspectionReport.Topic;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;

/** Looks at the tables that a legal header names, within bounds: for {@link Qcow2Inspector}. */
final class TableInspector {
    /** Enough for all tables of a disk of 256 TiB in clusters of 64 KiB. */
    private static final int ENTRIES_MAX = 1 << 19;

    private static final long HUGE_TABLE_BYTES = 4L << 20;
    private static final int HUGE_SNAPSHOTS = 1000;

    /** Enough for as many, with names of a thousand bytes. */
    private static final long SNAPSHOT_BYTES_MAX = 1 << 20;

    /** A structure in the file. */
    private record Region(String name, long offset, long length) {
        boolean overlaps(Region other) {
            return length > 0
                    && other.length > 0
                    && offset < other.offset + other.length
                    && other.offset < offset + length;
        }
    }

    private final MetadataReader reader;
    private final Header header;
    private final Geometry geometry;
    private final Inspection inspection;
    private final List<Region> regions = new ArrayList<>();

    TableInspector(MetadataReader reader, Header header, Inspection inspection) {
        this.reader = reader;
        this.header = header;
        this.geometry = header.geometry();
        this.inspection = inspection;
    }

    void run() {
        collectRegions();
        compareRegions();
        inspectL1();
        inspectRefcountTable();
        inspectSnapshots();
    }

    private void collectRegions() {
        regions.add(new Region("header", 0, geometry.clusterSize()));
        regions.add(
                new Region(
                        "L1 table",
                        header.l1TableOffset(),
                        (long) header.l1Entries() * Long.BYTES));
        regions.add(
                new Region(
                        "refcount table",
                        header.refcountTableOffset(),
                        geometry.clusterOffset(header.refcountTableClusters())));
        long snapshots = Integer.toUnsignedLong(header.snapshotCount());
        if (snapshots > 0) {
            long least = snapshots * HeaderCodec.SNAPSHOT_ENTRY_MIN;
            regions.add(new Region("snapshot table", header.snapshotsOffset(), least));
        }
        header.extension(HeaderExtension.ENCRYPTION_HEADER)
                .ifPresent(each -> addRegion("LUKS header", each, 0, 8));
        header.extension(HeaderExtension.BITMAPS)
                .ifPresent(each -> addRegion("bitmap directory", each, 16, 8));
    }

    private void addRegion(String name, HeaderExtension extension, int offsetAt, int lengthAt) {
        ByteBuffer data = ByteBuffer.wrap(extension.data());
        if (data.remaining() >= Math.max(offsetAt, lengthAt) + Long.BYTES) {
            regions.add(new Region(name, data.getLong(offsetAt), data.getLong(lengthAt)));
        } else {
            bad("the extension for the " + name + " is too short");
        }
    }

    private void compareRegions() {
        for (int i = 0; i < regions.size(); i++) {
            Region region = regions.get(i);
            boolean legal =
                    region.offset >= 0
                            && region.length >= 0
                            && region.offset <= Long.MAX_VALUE - region.length
                            && geometry.isAligned(region.offset);
            if (!legal) {
                bad("the %s lies at 0x%x".formatted(region.name, region.offset));
                continue;
            }
            if (region.offset + region.length - reader.length() >= geometry.clusterSize()) {
                inspection.find(
                        Severity.DANGER,
                        Topic.TRUNCATED,
                        "the %s ends at 0x%x, the file at 0x%x"
                                .formatted(
                                        region.name,
                                        region.offset + region.length,
                                        reader.length()));
            }
            for (Region other : regions.subList(0, i)) {
                if (region.overlaps(other)) {
                    inspection.find(
                            Severity.DANGER,
                            Topic.OVERLAP,
                            "the %s lies over the %s".formatted(region.name, other.name));
                }
            }
        }
    }

    private void bad(String text) {
        inspection.find(Severity.DANGER, Topic.BAD_OFFSET, text);
    }

    private void inspectL1() {
        noteSize("L1 table", (long) header.l1Entries() * Long.BYTES);
        int entries = Math.min(header.l1Entries(), ENTRIES_MAX);
        long[] table = new long[entries];
        reader.readNumbers(header.l1TableOffset(), table, entries);
        int wrong = 0;
        int behindEnd = 0;
        for (long entry : table) {
            long offset = L2Entry.hostOffset(entry);
            boolean placed = offset != 0 || entry == 0;
            if ((entry & L2Entry.L1_RESERVED) != 0 || !geometry.isAligned(offset) || !placed) {
                wrong++;
            } else if (offset >= reader.length()) {
                behindEnd++;
            }
        }
        report("L1 table", wrong, behindEnd);
    }

    private void noteSize(String name, long bytes) {
        if (bytes > HUGE_TABLE_BYTES) {
            inspection.find(
                    Severity.WARNING,
                    Topic.HUGE_TABLE,
                    "the %s has %d bytes".formatted(name, bytes));
        }
    }

    private void report(String table, int wrong, int behindEnd) {
        if (wrong > 0) {
            bad("%d entries of the %s are illegal".formatted(wrong, table));
        }
        if (behindEnd > 0) {
            inspection.find(
                    Severity.DANGER,
                    Topic.TRUNCATED,
                    "%d entries of the %s point behind the end of the file"
                            .formatted(behindEnd, table));
        }
    }

    private void inspectRefcountTable() {
        long bytes = geometry.clusterOffset(header.refcountTableClusters());
        noteSize("refcount table", bytes);
        int entries = (int) Math.min(bytes / Long.BYTES, ENTRIES_MAX);
        long[] table = new long[entries];
        reader.readNumbers(header.refcountTableOffset(), table, entries);
        int wrong = 0;
        int behindEnd = 0;
        int last = -1;
        for (int i = 0; i < entries; i++) {
            long offset = table[i] & RefcountBlock.OFFSET_MASK;
            if (table[i] == 0) {
                continue;
            }
            if (offset <= 0
                    || !geometry.isAligned(offset)
                    || (table[i] & RefcountBlock.RESERVED) != 0) {
                wrong++;
            } else if (offset >= reader.length()) {
                behindEnd++;
            } else {
                last = i;
            }
        }
        report("refcount table", wrong, behindEnd);
        if (entries * (long) Long.BYTES == bytes && wrong == 0 && behindEnd == 0) {
            inspectEnd(last, table);
        }
    }

    /** Compares the file's end with the last cluster that is counted. */
    private void inspectEnd(int lastBlock, long[] table) {
        long firstFree = 0;
        if (lastBlock >= 0) {
            int perBlock = geometry.refcountsPerBlock();
            var block = reader.read(table[lastBlock], geometry.clusterSize());
            int used = perBlock;
            while (used > 0 && RefcountBlock.get(block, geometry.refcountOrder(), used - 1) == 0) {
                used--;
            }
            firstFree = (long) lastBlock * perBlock + used;
        }
        long inFile = geometry.clustersFor(reader.length());
        if (inFile > firstFree) {
            inspection.find(
                    Severity.WARNING,
                    Topic.TRAILING_DATA,
                    "the last %d clusters of the file are not counted as the image's own"
                            .formatted(inFile - firstFree));
        }
    }

    private void inspectSnapshots() {
        long snapshots = Integer.toUnsignedLong(header.snapshotCount());
        if (snapshots == 0) {
            return;
        }
        inspection.find(
                Severity.NOTE, Topic.SNAPSHOTS, "%d internal snapshots".formatted(snapshots));
        if (snapshots > HUGE_SNAPSHOTS) {
            inspection.find(
                    Severity.WARNING,
                    Topic.HUGE_TABLE,
                    "the snapshot table has %d entries".formatted(snapshots));
            return;
        }
        try {
            CheckLog log = new CheckLog(CheckListener.NONE);
            SnapshotScan scan = SnapshotScan.read(reader, header, log, SNAPSHOT_BYTES_MAX);
            inspectSnapshots(scan.entries());
        } catch (SnapshotScan.Unusable unusable) {
            bad(unusable.text().lines().findFirst().orElse(""));
        }
    }

    private void inspectSnapshots(List<SnapshotScan.Entry> entries) {
        int wrong = 0;
        int behindEnd = 0;
        for (SnapshotScan.Entry each : entries) {
            boolean legal = geometry.isAligned(each.l1Offset()) && each.l1Offset() > 0;
            if (!legal || each.l1Entries() > HeaderCodec.L1_BYTES_MAX / Long.BYTES) {
                wrong++;
            } else if (each.l1Offset() >= reader.length()) {
                behindEnd++;
            }
        }
        report("snapshot table", wrong, behindEnd);
    }
}
