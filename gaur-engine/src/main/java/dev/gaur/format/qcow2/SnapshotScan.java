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
 */
record SnapshotScan(List<Entry> entries, long bytes) {
    /** QEMU's limit of a table. */
    static final long TABLE_BYTES_MAX = 1024L * HeaderCodec.SNAPSHOTS_MAX;

    /** QEMU's limit for each snapshot. */
    private static final int EXTRA_BYTES_MAX = 1024;

    /** Version 3 wants at least a 64-bit VM state size and the disk size. */
    private static final int EXTRA_BYTES_V3 = 16;

    private static final String TOO_LARGE = "File too large";

    private static final int FIXED_BYTES = HeaderCodec.SNAPSHOT_ENTRY_MIN;

    /**
     * One snapshot.
     *
     * @param l1Offset as stored, perhaps unaligned
     * @param l1Entries as stored, perhaps too many
     */
    record Entry(String id, String name, long l1Offset, long l1Entries) {}

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
        long start = header.snapshotsOffset();
        requireSane(header, count, start);
        List<Entry> entries = new ArrayList<>();
        long offset = start;
        for (int i = 0; i < count; i++) {
            offset = roundUp8(offset);
            MemorySegment fixed = reader.read(offset, FIXED_BYTES);
            long l1Offset = Bytes.u64(fixed, 0);
            long l1Entries = Bytes.u32(fixed, 8);
            int idBytes = Bytes.u16(fixed, 12);
            int nameBytes = Bytes.u16(fixed, 14);
            long extraBytes = Bytes.u32(fixed, 36);
            if (extraBytes > EXTRA_BYTES_MAX) {
                throw new Unusable(
                        TOO_LARGE,
                        "ERROR failed to read the snapshot table: Too much extra metadata in"
                                + " snapshot table entry %d\n".formatted(i)
                                + "You can force-remove this extra metadata with qemu-img check"
                                + " -r all");
            }
            offset += FIXED_BYTES + extraBytes;
            String id = text(reader.read(offset, idBytes));
            String name = text(reader.read(offset + idBytes, nameBytes));
            offset += idBytes + nameBytes;
            if (offset - start > bytesMax) {
                throw new Unusable(
                        TOO_LARGE,
                        "ERROR failed to read the snapshot table: Snapshot table is too big\n"
                                + "You can force-remove all %d overhanging snapshots with"
                                        .formatted(count - i)
                                + " qemu-img check -r all");
            }
            if (header.version() >= 3 && extraBytes < EXTRA_BYTES_V3) {
                log.corruption(
                        Place.of("snapshot table entry " + i, offset),
                        "ERROR snapshot table entry %d is incomplete".formatted(i));
            }
            entries.add(new Entry(id, name, l1Offset, l1Entries));
        }
        return new SnapshotScan(List.copyOf(entries), offset - start);
    }

    private static void requireSane(Header header, long count, long start) throws Unusable {
        if (count > HeaderCodec.SNAPSHOTS_MAX) {
            throw new Unusable(
                    TOO_LARGE,
                    "ERROR snapshot table too large\n"
                            + "You can force-remove all %d overhanging snapshots with"
                                    .formatted(count - HeaderCodec.SNAPSHOTS_MAX)
                            + " qemu-img check -r all");
        }
        long least = count * FIXED_BYTES;
        if (start < 0 || start > Long.MAX_VALUE - least || !header.geometry().isAligned(start)) {
            throw new Unusable("Invalid argument", "ERROR snapshot table offset invalid");
        }
    }

    private static long roundUp8(long offset) {
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
