package dev.gaur.format.qcow2;

import dev.gaur.block.BlockException;
import dev.gaur.block.StorageNode;
import dev.gaur.format.InspectionReport.Referral;
import dev.gaur.format.InspectionReport.Severity;
import dev.gaur.format.InspectionReport.Topic;
import dev.gaur.mem.Bytes;
import dev.gaur.storage.Reference;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * Looks at a qcow2 file that nobody trusts. Reads the header, and a bounded part of each table that
 * the header names; follows nothing further. A broken header is reported as far as it can be read.
 *
 * <p>Bounds: at most 8 MiB of memory and 11 MiB of reads for any file.
 */
public final class Qcow2Inspector {
    private static final int FIELDS_BYTES = Header.V3_LENGTH;
    private static final long HUGE_DISK_BYTES = 1L << 40;
    private static final long HUGE_DISK_FACTOR = 1000;
    private static final int ENCRYPTION_NONE = 0;

    private final StorageNode storage;
    private final Inspection inspection;
    private final MetadataReader reader;
    private final MemorySegment fields;

    private Qcow2Inspector(StorageNode storage, Inspection inspection) {
        this.storage = storage;
        this.inspection = inspection;
        this.reader = new MetadataReader(storage);
        this.fields = copyOf(reader.read(0, FIELDS_BYTES));
    }

    private static MemorySegment copyOf(MemorySegment segment) {
        return MemorySegment.ofArray(segment.toArray(ValueLayout.JAVA_BYTE));
    }

    /**
     * Inspects a file with qcow2's magic number.
     *
     * @throws BlockException.Media if the file cannot be read
     */
    public static void inspect(StorageNode storage, Inspection inspection) {
        new Qcow2Inspector(storage, inspection).run();
    }

    private void run() {
        inspectSize();
        inspectFeatures();
        inspectReferences();
        try {
            Header header = HeaderCodec.readForCheck(storage);
            new TableInspector(reader, header, inspection).run();
            HeaderCodec.read(storage);
        } catch (BlockException.Media unreadable) {
            throw unreadable;
        } catch (BlockException refused) {
            inspection.find(Severity.DANGER, Topic.INVALID_HEADER, "header: " + refused.found());
        }
    }

    private boolean isVersion2() {
        return Bytes.u32(fields, 4) == 2;
    }

    private void inspectSize() {
        long size = Bytes.u64(fields, 24);
        if (size < 0) {
            return; // The header's own check reports that.
        }
        inspection.virtualSize(size);
        if (size >= HUGE_DISK_BYTES && size / HUGE_DISK_FACTOR > storage.length()) {
            inspection.find(
                    Severity.WARNING,
                    Topic.HUGE_DISK,
                    "the virtual disk has %d bytes, the file only %d"
                            .formatted(size, storage.length()));
        }
    }

    private void inspectFeatures() {
        if (Bytes.u32(fields, 32) != ENCRYPTION_NONE) {
            inspection.find(Severity.WARNING, Topic.ENCRYPTED, "the content is encrypted");
        }
        if (isVersion2()) {
            return;
        }
        long incompatible = Bytes.u64(fields, 72);
        if ((incompatible & Header.DIRTY) != 0) {
            inspection.find(
                    Severity.WARNING, Topic.DIRTY, "not closed cleanly: counts may be stale");
        }
        if ((incompatible & Header.CORRUPT) != 0) {
            inspection.find(Severity.DANGER, Topic.CORRUPT, "marked as corrupt");
        }
        if ((incompatible & ~Header.KNOWN_INCOMPATIBLE) != 0) {
            inspection.find(
                    Severity.DANGER,
                    Topic.UNKNOWN_FEATURE,
                    "unknown incompatible features: 0x%x"
                            .formatted(incompatible & ~Header.KNOWN_INCOMPATIBLE));
        }
    }

    private void inspectReferences() {
        int clusterBits = Math.clamp(Bytes.u32(fields, 20), 9, 21);
        MemorySegment first = copyOf(reader.read(0, 1 << clusterBits));
        String dataName = "";
        String backingFormat = "";
        long start = isVersion2() ? Header.V2_LENGTH : Bytes.u32(fields, 100);
        for (long at = start; at <= first.byteSize() - 8; ) {
            int type = (int) Bytes.u32(first, at);
            long length = Bytes.u32(first, at + 4);
            if (type == HeaderExtension.END || length > first.byteSize() - at - 8) {
                break;
            }
            if (type == HeaderExtension.DATA_FILE_NAME) {
                dataName = text(first, at + 8, length);
            } else if (type == HeaderExtension.BACKING_FORMAT) {
                backingFormat = text(first, at + 8, length);
            }
            at += 8 + ((length + 7) & -8);
        }
        inspectBacking(first, backingFormat);
        boolean dataFile = !isVersion2() && (Bytes.u64(fields, 72) & Header.DATA_FILE) != 0;
        if (dataFile || !dataName.isEmpty()) {
            refer(Reference.Kind.DATA_FILE, Topic.DATA_FILE, dataName, "raw");
        }
    }

    private void inspectBacking(MemorySegment first, String format) {
        long offset = Bytes.u64(fields, 8);
        long length = Bytes.u32(fields, 16);
        if (offset == 0 || length == 0) {
            return;
        }
        boolean inside = offset > 0 && offset <= first.byteSize();
        long readable = inside ? Math.min(length, first.byteSize() - offset) : 0;
        String name = readable == 0 ? "" : text(first, offset, readable);
        refer(Reference.Kind.BACKING_FILE, Topic.BACKING_FILE, name, format);
    }

    private void refer(Reference.Kind kind, Topic topic, String name, String format) {
        Referral referral = Referral.of(new Reference(kind, name, format, storage.name()));
        inspection.refers(referral);
        inspection.find(
                Severity.DANGER,
                topic,
                "refers to the %s '%s' %s"
                        .formatted(
                                kind.text(),
                                name,
                                referral.looks().isEmpty() ? "" : referral.looks())
                        .strip());
    }

    private static String text(MemorySegment first, long offset, long length) {
        return Header.text(first.asSlice(offset, length).toArray(ValueLayout.JAVA_BYTE));
    }
}
