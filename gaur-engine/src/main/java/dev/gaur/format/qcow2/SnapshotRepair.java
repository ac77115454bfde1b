package dev.gaur.format.qcow2;

import dev.gaur.mem.Bytes;
import java.io.ByteArrayOutputStream;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * Makes a snapshot table anew from what is legal in the one there is: entries of version 3 get the
 * fields that they must have, extra data is cut to QEMU's limit.
 *
 * <p>Source: the specification, "Snapshots".
 */
final class SnapshotRepair {
    private static final int FIXED_BYTES = HeaderCodec.SNAPSHOT_ENTRY_MIN;
    private static final int EXTRA_SIZE_OFFSET = 36;

    private SnapshotRepair() {}

    /**
     * Returns the bytes of the new table.
     *
     * @throws dev.gaur.block.BlockException if the old one cannot be read
     */
    static MemorySegment encode(MetadataReader reader, Header header, SnapshotScan snapshots) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        for (SnapshotScan.Entry each : snapshots.entries()) {
            out.writeBytes(new byte[-out.size() & 7]);
            putEntry(out, reader, header, each);
        }
        return MemorySegment.ofArray(out.toByteArray());
    }

    private static void putEntry(
            ByteArrayOutputStream out,
            MetadataReader reader,
            Header header,
            SnapshotScan.Entry entry) {
        MemorySegment fixed = copy(reader, entry.hostOffset(), FIXED_BYTES);
        int kept = (int) Math.min(entry.extraBytes(), SnapshotScan.EXTRA_BYTES_MAX);
        int needed = header.version() >= 3 ? SnapshotScan.EXTRA_BYTES_V3 : 0;
        MemorySegment extra = MemorySegment.ofArray(new byte[Math.max(kept, needed)]);
        if (kept < needed) {
            Bytes.putU64(extra, 0, Bytes.u32(fixed, 32)); // The size of the VM state, in 64 bits.
            Bytes.putU64(extra, Long.BYTES, header.virtualSize());
            kept &= -Long.BYTES; // A field that is cut off says nothing.
        }
        MemorySegment.copy(copy(reader, entry.hostOffset() + FIXED_BYTES, kept), 0, extra, 0, kept);
        Bytes.putU32(fixed, EXTRA_SIZE_OFFSET, extra.byteSize());
        int strings = Bytes.u16(fixed, 12) + Bytes.u16(fixed, 14);
        put(out, fixed);
        put(out, extra);
        put(out, copy(reader, entry.hostOffset() + FIXED_BYTES + entry.extraBytes(), strings));
    }

    private static MemorySegment copy(MetadataReader reader, long offset, int length) {
        byte[] bytes = reader.read(offset, length).toArray(ValueLayout.JAVA_BYTE);
        return MemorySegment.ofArray(bytes);
    }

    private static void put(ByteArrayOutputStream out, MemorySegment bytes) {
        out.writeBytes(bytes.toArray(ValueLayout.JAVA_BYTE));
    }
}
