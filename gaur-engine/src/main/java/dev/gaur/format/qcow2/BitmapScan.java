package dev.gaur.format.qcow2;

import dev.gaur.format.qcow2.CheckLog.Place;
import dev.gaur.mem.Bytes;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;

/**
 * Counts what the bitmaps extension refers to: directory, tables, data. What is illegal is a
 * finding, and the rest goes on; QEMU does not open such an image at all.
 *
 * <p>Source: the specification, "Bitmaps extension"; limits are QEMU's.
 */
final class BitmapScan {
    private static final int EXTENSION_BYTES = 24;
    private static final int ENTRY_BYTES = 24;
    private static final int BITMAPS_MAX = 65535;
    private static final long DIRECTORY_BYTES_MAX = 1024L * BITMAPS_MAX;
    private static final long DATA_BYTES_MAX = 512L << 20;
    private static final int NAME_BYTES_MAX = 1023;
    private static final int GRANULARITY_BITS_MIN = 9;
    private static final int GRANULARITY_BITS_MAX = 31;
    private static final int DIRTY_TRACKING = 1;
    private static final long RESERVED_FLAGS = ~3L;

    /** Bits of a bitmap table entry that must be zero; bit 0 says all ones where no offset is. */
    private static final long TABLE_RESERVED = 0xff00_0000_0000_01feL;

    private static final long ALL_ONES = 1;

    private final MetadataReader reader;
    private final Header header;
    private final Geometry geometry;
    private final ReferenceCounter counter;
    private final CheckLog log;
    private boolean complete = true;

    BitmapScan(MetadataReader reader, Header header, ReferenceCounter counter, CheckLog log) {
        this.reader = reader;
        this.header = header;
        this.geometry = header.geometry();
        this.counter = counter;
        this.log = log;
    }

    /** Whether all was found that bitmaps refer to. */
    boolean isComplete() {
        return complete;
    }

    /** Counts everything, if the image says that its bitmaps can be trusted. */
    void scan() {
        if ((header.autoclear() & Header.BITMAPS_VALID) != 0) {
            header.extension(HeaderExtension.BITMAPS).ifPresent(this::scanDirectory);
        }
    }

    private void scanDirectory(HeaderExtension extension) {
        ByteBuffer fields = ByteBuffer.wrap(extension.data());
        if (fields.remaining() != EXTENSION_BYTES) {
            corrupt("bitmaps extension", -1, "has %d bytes, not 24".formatted(fields.remaining()));
            return;
        }
        long bitmaps = Integer.toUnsignedLong(fields.getInt(0));
        long bytes = fields.getLong(8);
        long offset = fields.getLong(16);
        boolean legal = bitmaps >= 1 && bitmaps <= BITMAPS_MAX && offset > 0;
        if (!legal || bytes < 1 || bytes > DIRECTORY_BYTES_MAX || !geometry.isAligned(offset)) {
            corrupt(
                    "bitmaps extension",
                    -1,
                    "%d bitmaps, directory of %s bytes at 0x%x is illegal"
                            .formatted(bitmaps, Long.toUnsignedString(bytes), offset));
            return;
        }
        complete &= counter.count(offset, bytes, _ -> Place.of("bitmap directory", offset));
        long at = 0;
        for (int i = 0; i < bitmaps; i++) {
            long length = scanEntry(i, offset + at, bytes - at);
            if (length == 0) {
                return;
            }
            at += length;
        }
        if (at != bytes) {
            corrupt(
                    "bitmap directory",
                    offset,
                    "has %d bytes, but its %d entries take %d".formatted(bytes, bitmaps, at));
        }
    }

    /** Counts a bitmap; returns the length of its entry, 0 if that does not fit the directory. */
    private long scanEntry(int index, long offset, long room) {
        if (room < ENTRY_BYTES) {
            corrupt("bitmap directory", offset, "ends before entry " + index);
            return 0;
        }
        MemorySegment entry = reader.read(offset, ENTRY_BYTES);
        int nameBytes = Bytes.u16(entry, 18);
        long extraBytes = Bytes.u32(entry, 20);
        long length = (ENTRY_BYTES + extraBytes + nameBytes + 7) & -8;
        if (length > room) {
            corrupt("bitmap directory", offset, "ends before the end of entry " + index);
            return 0;
        }
        long tableOffset = Bytes.u64(entry, 0);
        long tableEntries = Bytes.u32(entry, 8);
        boolean legal = isLegal(entry) && extraBytes == 0 && nameBytes <= NAME_BYTES_MAX;
        String name = name(offset + ENTRY_BYTES + extraBytes, nameBytes);
        if (!legal) {
            corrupt("bitmap '" + name + "'", offset, "doesn't satisfy the constraints");
        }
        if (isTable(tableOffset, tableEntries)) {
            scanTable(name, tableOffset, (int) tableEntries);
        }
        return length;
    }

    private boolean isTable(long offset, long entries) {
        return offset > 0
                && geometry.isAligned(offset)
                && entries >= 1
                && entries <= DATA_BYTES_MAX / geometry.clusterSize();
    }

    private boolean isLegal(MemorySegment entry) {
        long tableEntries = Bytes.u32(entry, 8);
        long flags = Bytes.u32(entry, 12);
        int granularityBits = Bytes.u8(entry, 17);
        boolean inUse = (flags & 1) != 0;
        return isTable(Bytes.u64(entry, 0), tableEntries)
                && (flags & RESERVED_FLAGS) == 0
                && Bytes.u8(entry, 16) == DIRTY_TRACKING
                && granularityBits >= GRANULARITY_BITS_MIN
                && granularityBits <= GRANULARITY_BITS_MAX
                && (inUse || covers(tableEntries, granularityBits));
    }

    /** Whether a table is large enough for the disk; one in use may lag behind a resize. */
    private boolean covers(long tableEntries, int granularityBits) {
        long bits = tableEntries * geometry.clusterSize() * Byte.SIZE;
        return bits >= header.size() >>> granularityBits;
    }

    private String name(long offset, int length) {
        MemorySegment bytes = reader.read(offset, length);
        return new String(bytes.toArray(ValueLayout.JAVA_BYTE), StandardCharsets.UTF_8);
    }

    private void scanTable(String name, long offset, int entries) {
        String structure = "bitmap '" + name + "'";
        long bytes = (long) entries * Long.BYTES;
        complete &= counter.count(offset, bytes, _ -> Place.of(structure, offset));
        long[] table = new long[entries];
        reader.readNumbers(offset, table, entries);
        for (int i = 0; i < entries; i++) {
            long dataOffset = L2Entry.hostOffset(table[i]);
            boolean flag = (table[i] & ALL_ONES) != 0;
            if ((table[i] & TABLE_RESERVED) != 0
                    || (flag && dataOffset != 0)
                    || !geometry.isAligned(dataOffset)) {
                corrupt(
                        structure,
                        offset + (long) i * Long.BYTES,
                        "table entry %d is 0x%x".formatted(i, table[i]));
            } else if (dataOffset != 0) {
                counter.count(
                        dataOffset, geometry.clusterSize(), _ -> Place.of(structure, dataOffset));
            }
        }
    }

    private void corrupt(String structure, long offset, String found) {
        complete = false;
        log.corruption(Place.of(structure, offset), "ERROR " + structure + ": " + found);
    }
}
