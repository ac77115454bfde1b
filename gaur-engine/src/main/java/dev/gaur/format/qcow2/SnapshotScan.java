package dev.gaur.format.qcow2;

import dev.gaur.block.BlockException;
import dev.gaur.format.qcow2.CheckLog.Place;
import dev.gaur.mem.Bytes;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/**
 * The snapshot table as a check sees it: the places of entries matter, and an illegal entry is a
 * finding.
 *
 * @param entries in the table's order
 * @param bytes length of the table
 * @param rewrite whether a repair has to write the table anew
 */
record SnapshotScan(List<Entry> entries, long bytes, boolean rewrite) {
    /** QEMU's limit of a table. */
    static final long TABLE_BYTES_MAX = 1024L * HeaderCodec.SNAPSHOTS_MAX;

    /** QEMU's limit for each snapshot. */
    static final int EXTRA_BYTES_MAX = 1024;

    /** Version 3 wants at least a 64-bit VM state size and the disk size. */
    static final int EXTRA_BYTES_V3 = 16;

    private static final String TOO_LARGE = "File too large";

    private static final int FIXED_BYTES = HeaderCodec.SNAPSHOT_ENTRY_MIN;

    /**
     * One snapshot.
     *
     * @param l1Offset as stored, perhaps unaligned
     * @param l1Entries as stored, perhaps too many
     * @param hostOffset where its entry is
     * @param extraBytes what the entry has beyond the fixed fields and the strings
     */
    record Entry(
            String id,
            String name,
            long l1Offset,
            long l1Entries,
            long hostOffset,
            long extraBytes) {}

    /** The table is unusable; the message says why. Checked ahead of everything else. */
    static final class Unusable extends Exception {
        private static final long serialVersionUID = 1;

        private final String failure;
        private final String text;

        Unusable(String failure, String text) {
            super(text, null, false, false);
            this.failure = failure;
            this.text = text;
        }

        /** The system's words for the error. */
        String failure() {
            return failure;
        }

        /** The lines for people. */
        String text() {
            return text;
        }
    }

    /**
     * Reads the table.
     *
     * @param bytesMax what longer than this is too big
     * @throws Unusable if it is beyond its limits
     * @throws BlockException if it cannot be read
     */
    static SnapshotScan read(MetadataReader reader, Header header, CheckLog log, long bytesMax)
            throws Unusable {
        long count = Integer.toUnsignedLong(header.snapshotCount());
        if (count > HeaderCodec.SNAPSHOTS_MAX) {
            throw new Unusable(
                    TOO_LARGE,
                    "ERROR snapshot table too large\n"
                            + "You can force-remove all %d overhanging snapshots with"
                                    .formatted(count - HeaderCodec.SNAPSHOTS_MAX)
                            + " qemu-img check -r all");
        }
        return read(reader, header, count, log, bytesMax, false);
    }

    /**
     * Reads the table for a repair: what is beyond the limits is a finding, and is left out.
     *
     * @throws Unusable if its place is illegal
     * @throws BlockException if it cannot be read
     */
    static SnapshotScan readForRepair(MetadataReader reader, Header header, CheckLog log)
            throws Unusable {
        long count = Integer.toUnsignedLong(header.snapshotCount());
        long surplus = Math.max(0, count - HeaderCodec.SNAPSHOTS_MAX);
        discard(surplus, "there are too many", header, log);
        SnapshotScan scan = read(reader, header, count - surplus, log, TABLE_BYTES_MAX, true);
        return surplus == 0 ? scan : new SnapshotScan(scan.entries, scan.bytes, true);
    }

    private static void discard(long surplus, String why, Header header, CheckLog log) {
        if (surplus > 0) {
            Place place = Place.of("snapshot table", header.snapshotsOffset());
            log.corruptions(surplus, place, "Discarding %d snapshots: %s".formatted(surplus, why));
        }
    }

    private static SnapshotScan read(
            MetadataReader reader,
            Header header,
            long count,
            CheckLog log,
            long bytesMax,
            boolean repair)
            throws Unusable {
        long start = header.snapshotsOffset();
        requireSane(header, count, start);
        List<Entry> entries = new ArrayList<>();
        boolean rewrite = false;
        long offset = start;
        for (int i = 0; i < count; i++) {
            long at = roundUp8(offset);
            MemorySegment fixed = reader.read(at, FIXED_BYTES);
            long l1Offset = Bytes.u64(fixed, 0);
            long l1Entries = Bytes.u32(fixed, 8);
            int idBytes = Bytes.u16(fixed, 12);
            int nameBytes = Bytes.u16(fixed, 14);
            long extraBytes = Bytes.u32(fixed, 36);
            rewrite |= checkExtra(extraBytes, i, at, log, repair);
            long strings = at + FIXED_BYTES + extraBytes;
            long end = strings + idBytes + nameBytes;
            if (end - start > bytesMax) {
                long surplus = count - i;
                if (!repair) {
                    throw tooBig(surplus);
                }
                discard(surplus, "the table is too big", header, log);
                return new SnapshotScan(List.copyOf(entries), offset - start, true);
            }
            String id = text(reader.read(strings, idBytes));
            String name = text(reader.read(strings + idBytes, nameBytes));
            offset = end;
            if (header.version() >= 3 && extraBytes < EXTRA_BYTES_V3) {
                rewrite = true;
                log.corruption(
                        Place.of("snapshot table entry " + i, offset),
                        (repair ? "Repairing" : "ERROR")
                                + " snapshot table entry %d is incomplete".formatted(i));
            }
            entries.add(new Entry(id, name, l1Offset, l1Entries, at, extraBytes));
        }
        return new SnapshotScan(List.copyOf(entries), offset - start, rewrite);
    }

    private static Unusable tooBig(long surplus) {
        return new Unusable(
                TOO_LARGE,
                "ERROR failed to read the snapshot table: Snapshot table is too big\n"
                        + "You can force-remove all %d overhanging snapshots with"
                                .formatted(surplus)
                        + " qemu-img check -r all");
    }

    /** Returns whether the extra data is to be cut. */
    private static boolean checkExtra(
            long extraBytes, int index, long offset, CheckLog log, boolean repair) throws Unusable {
        if (extraBytes <= EXTRA_BYTES_MAX) {
            return false;
        }
        if (!repair) {
            throw new Unusable(
                    TOO_LARGE,
                    "ERROR failed to read the snapshot table: Too much extra metadata in"
                            + " snapshot table entry %d\n".formatted(index)
                            + "You can force-remove this extra metadata with qemu-img check"
                            + " -r all");
        }
        log.corruption(
                Place.of("snapshot table entry " + index, offset),
                "Discarding too much extra metadata in snapshot table entry %d (%d > %d)"
                        .formatted(index, extraBytes, EXTRA_BYTES_MAX));
        return true;
    }

    private static void requireSane(Header header, long count, long start) throws Unusable {
        long least = count * FIXED_BYTES;
        if (start < 0 || start > Long.MAX_VALUE - least || !header.geometry().isAligned(start)) {
            throw new Unusable("Invalid argument", "ERROR snapshot table offset invalid");
        }
    }

    static long roundUp8(long offset) {
        return (offset + 7) & -8;
    }

    /** A string up to its first NUL, as C would print it. */
    private static String text(MemorySegment bytes) {
        byte[] copy = bytes.toArray(ValueLayout.JAVA_BYTE);
        int length = 0;
        while (length < copy.length && copy[length] != 0) {
            length++;
        }
        return new String(copy, 0, length, StandardCharsets.UTF_8);
    }
}
