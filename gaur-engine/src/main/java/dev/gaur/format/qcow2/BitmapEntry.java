package dev.gaur.format.qcow2;

import dev.gaur.format.BitmapInfo;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;

/**
 * A bitmap as the directory has it. What is illegal is kept and named, for the entry must be
 * written back as it is until somebody removes it.
 *
 * <p>Source: the specification, "Bitmap directory"; the limits are QEMU's.
 *
 * @param at host offset of the entry
 * @param length bytes of the entry with its padding
 * @param tableOffset host offset of the bitmap table
 * @param tableEntries length of the table
 * @param granularityBits logarithm of the granularity
 * @param name at most {@link #NAME_MAX} bytes are kept of one that is too long
 * @param problem why the bitmap cannot be used; empty if nothing is wrong with the entry
 */
record BitmapEntry(
        long at,
        int length,
        long tableOffset,
        long tableEntries,
        int flags,
        int granularityBits,
        byte[] name,
        String problem) {
    /** Bytes of an entry before extra data and name. */
    static final int HEAD_BYTES = 24;

    /** QEMU's limit. */
    static final int NAME_MAX = 1023;

    /** Where the flags are in an entry: they never cross a sector. */
    static final int FLAGS_AT = 12;

    /** Flag: the bitmap was not stored since the disk may have changed. */
    static final int IN_USE = 1;

    /** Flag: follows every write. */
    static final int AUTO = 2;

    static final int GRANULARITY_BITS_MIN = 9;
    static final int GRANULARITY_BITS_MAX = 31;
    private static final int TYPE_DIRTY_TRACKING = 1;

    /** Parses what stands before extra data and name, and says what is wrong with it. */
    static BitmapEntry of(long at, int length, byte[] head, byte[] name, Geometry geometry) {
        ByteBuffer fields = ByteBuffer.wrap(head);
        return new BitmapEntry(
                at,
                length,
                fields.getLong(0),
                Integer.toUnsignedLong(fields.getInt(8)),
                fields.getInt(FLAGS_AT),
                Byte.toUnsignedInt(fields.get(17)),
                name,
                findProblem(fields, geometry));
    }

    private static String findProblem(ByteBuffer fields, Geometry geometry) {
        int flags = fields.getInt(FLAGS_AT);
        int type = Byte.toUnsignedInt(fields.get(16));
        int granularityBits = Byte.toUnsignedInt(fields.get(17));
        int nameBytes = Short.toUnsignedInt(fields.getShort(18));
        long extraBytes = Integer.toUnsignedLong(fields.getInt(20));
        String table = tableProblem(fields.getLong(0), fields.getInt(8), geometry);
        if (!table.isEmpty()) {
            return table;
        }
        if ((flags & ~(IN_USE | AUTO)) != 0) {
            return "flags are 0x%x".formatted(flags);
        }
        if (type != TYPE_DIRTY_TRACKING) {
            return "type is %d".formatted(type);
        }
        if (granularityBits < GRANULARITY_BITS_MIN || granularityBits > GRANULARITY_BITS_MAX) {
            return "granularity has %d bits, not 9..31".formatted(granularityBits);
        }
        if (nameBytes < 1 || nameBytes > NAME_MAX) {
            return "name has %d bytes, not 1..1023".formatted(nameBytes);
        }
        return extraBytes == 0 ? "" : "%d bytes of extra data".formatted(extraBytes);
    }

    private static String tableProblem(long offset, long entries, Geometry geometry) {
        if (offset <= 0 || !geometry.isAligned(offset)) {
            return "table offset is 0x%x".formatted(offset);
        }
        return entries < 1 || entries > BitmapTable.PAYLOAD_BYTES_MAX / geometry.clusterSize()
                ? "table has %d entries".formatted(entries & 0xffff_ffffL)
                : "";
    }

    /** Whether the place of the table is one that may be looked at. */
    boolean hasTable(Geometry geometry) {
        return tableProblem(tableOffset, tableEntries, geometry).isEmpty();
    }

    boolean inUse() {
        return (flags & IN_USE) != 0;
    }

    boolean auto() {
        return (flags & AUTO) != 0;
    }

    /** The name as people see it. */
    String text() {
        return Header.text(name);
    }

    /** Bytes for each bit; 0 if that is illegal. */
    long granularity() {
        boolean legal =
                granularityBits >= GRANULARITY_BITS_MIN && granularityBits <= GRANULARITY_BITS_MAX;
        return legal ? 1L << granularityBits : 0;
    }

    /** The same, found to be broken. */
    BitmapEntry broken(String why) {
        return new BitmapEntry(
                at, length, tableOffset, tableEntries, flags, granularityBits, name, why);
    }

    BitmapInfo info() {
        return new BitmapInfo(text(), granularity(), inUse(), auto(), problem);
    }

    /** Returns how many bytes an entry takes. */
    static int encodedLength(byte[] name) {
        return HeaderCodec.roundUp8(HEAD_BYTES + name.length);
    }

    /** Makes an entry for the file. */
    static byte[] encode(
            byte[] name, int granularityBits, int flags, long tableOffset, int tableEntries) {
        ByteBuffer entry = ByteBuffer.allocate(encodedLength(name));
        entry.putLong(tableOffset).putInt(tableEntries).putInt(flags);
        entry.put((byte) TYPE_DIRTY_TRACKING).put((byte) granularityBits);
        entry.putShort((short) name.length).putInt(0).put(name);
        return entry.array();
    }

    /** The bytes that a name takes in the file. */
    static byte[] encodeName(String name) {
        return name.getBytes(StandardCharsets.UTF_8);
    }
}
