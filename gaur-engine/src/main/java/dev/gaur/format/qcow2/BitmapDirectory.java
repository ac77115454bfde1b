package dev.gaur.format.qcow2;

import dev.gaur.block.BlockException;
import dev.gaur.block.StorageNode;
import dev.gaur.format.BitmapInfo;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * The stored bitmaps of an image. What is broken is left out and told in a warning: a bitmap can be
 * made again, so it must not keep anybody from the data.
 *
 * <p>Source: the specification, "Bitmaps extension", "Bitmap directory"; the limits are QEMU's.
 *
 * @param bitmaps in the directory's order
 * @param warnings what is wrong with the others
 */
record BitmapDirectory(List<BitmapInfo> bitmaps, List<String> warnings) {
    private static final int EXTENSION_BYTES = 24;
    private static final int BITMAPS_MAX = 65535;
    private static final long BYTES_MAX = 1024L * BITMAPS_MAX;
    private static final int ENTRY_BYTES = 24;
    private static final int FLAG_IN_USE = 1;
    private static final int FLAG_AUTO = 2;
    private static final int TYPE_DIRTY_TRACKING = 1;
    private static final int GRANULARITY_BITS_MIN = 9;
    private static final int GRANULARITY_BITS_MAX = 31;
    private static final int NAME_MAX = 1023;
    private static final int TABLE_ENTRIES_MAX = 0x8000000;

    /** Lists the bitmaps of an image. Fails only if the storage does. */
    static BitmapDirectory read(StorageNode storage, Header header) {
        Optional<HeaderExtension> extension = header.extension(HeaderExtension.BITMAPS);
        if (extension.isEmpty()) {
            return new BitmapDirectory(List.of(), List.of());
        }
        if ((header.autoclear() & Header.BITMAPS_VALID) == 0) {
            return new BitmapDirectory(
                    List.of(),
                    List.of(
                            "bitmaps: all are invalid, since a program that does not know them"
                                    + " changed the image"));
        }
        List<BitmapInfo> bitmaps = new ArrayList<>();
        List<String> warnings = new ArrayList<>();
        try {
            readDirectory(storage, header, extension.get().data(), bitmaps, warnings);
        } catch (BlockException.Corrupt damaged) {
            warnings.add("%s: %s".formatted(damaged.structure(), damaged.found()));
        }
        return new BitmapDirectory(List.copyOf(bitmaps), List.copyOf(warnings));
    }

    private static void readDirectory(
            StorageNode storage,
            Header header,
            byte[] extension,
            List<BitmapInfo> bitmaps,
            List<String> warnings) {
        if (extension.length != EXTENSION_BYTES) {
            warnings.add("bitmaps: extension has %d bytes, not 24".formatted(extension.length));
            return;
        }
        ByteBuffer fields = ByteBuffer.wrap(extension);
        long count = Integer.toUnsignedLong(fields.getInt(0));
        long size = fields.getLong(8);
        long offset = fields.getLong(16);
        if (count < 1 || count > BITMAPS_MAX) {
            warnings.add("bitmaps: there are %d, not 1..65535".formatted(count));
            return;
        }
        if (size < 0 || size > BYTES_MAX || offset < 0 || !header.geometry().isAligned(offset)) {
            warnings.add(
                    "bitmaps: directory of %d bytes at 0x%x is not legal".formatted(size, offset));
            return;
        }
        var in = new StreamReader(storage, "bitmap directory", offset, size);
        for (long i = 0; i < count; i++) {
            readEntry(in, i, header, bitmaps, warnings);
        }
        if (in.remaining() > 0) {
            warnings.add(
                    "bitmaps: directory has %d bytes after its last entry"
                            .formatted(in.remaining()));
        }
    }

    private static void readEntry(
            StreamReader in,
            long index,
            Header header,
            List<BitmapInfo> bitmaps,
            List<String> warnings) {
        ByteBuffer entry = ByteBuffer.wrap(take(in, ENTRY_BYTES, index));
        int nameBytes = Short.toUnsignedInt(entry.getShort(18));
        long extraBytes = Integer.toUnsignedLong(entry.getInt(20));
        take(in, Math.min(extraBytes, Integer.MAX_VALUE), index);
        String name = Header.text(take(in, nameBytes, index));
        take(in, -in.position() & 7, index);
        String wrong = findWrong(entry, nameBytes, extraBytes, header);
        if (!wrong.isEmpty()) {
            warnings.add("bitmap '%s': %s".formatted(name, wrong));
            return;
        }
        int flags = entry.getInt(12);
        bitmaps.add(
                new BitmapInfo(
                        name,
                        1L << entry.get(17),
                        (flags & FLAG_IN_USE) != 0,
                        (flags & FLAG_AUTO) != 0));
    }

    private static byte[] take(StreamReader in, long count, long index) {
        if (count > in.remaining()) {
            throw new BlockException.Corrupt(
                    "",
                    "bitmaps",
                    in.hostOffset(),
                    "directory ends inside of entry %d".formatted(index));
        }
        return in.take((int) count);
    }

    /** Says why a bitmap cannot be used; empty if it can. */
    private static String findWrong(
            ByteBuffer entry, int nameBytes, long extraBytes, Header header) {
        long tableOffset = entry.getLong(0);
        int tableEntries = entry.getInt(8);
        int flags = entry.getInt(12);
        int type = entry.get(16);
        int granularityBits = Byte.toUnsignedInt(entry.get(17));
        if (tableOffset <= 0 || !header.geometry().isAligned(tableOffset)) {
            return "table offset is 0x%x".formatted(tableOffset);
        }
        if (tableEntries < 1 || tableEntries > TABLE_ENTRIES_MAX) {
            return "table has %d entries".formatted(Integer.toUnsignedLong(tableEntries));
        }
        if ((flags & ~(FLAG_IN_USE | FLAG_AUTO)) != 0) {
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
}
