package dev.gaur.format.qcow2;

import dev.gaur.block.BlockException;
import dev.gaur.block.StorageNode;
import dev.gaur.format.BitmapInfo;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * The stored bitmaps of an image. What is broken is told in a warning: a bitmap can be made again,
 * so it must not keep anybody from the data.
 *
 * <p>Source: the specification, "Bitmaps extension", "Bitmap directory"; the limits are QEMU's.
 *
 * @param offset where it begins; 0 if there is none that can be used
 * @param bytes its length
 * @param entries in its order, broken ones too
 * @param warnings what is wrong
 */
record BitmapDirectory(long offset, long bytes, List<BitmapEntry> entries, List<String> warnings) {
    /** Bytes of the bitmaps extension. */
    static final int EXTENSION_BYTES = 24;

    /** QEMU's limit. */
    static final int BITMAPS_MAX = 65535;

    /** QEMU's limit. */
    static final long BYTES_MAX = 1024L * BITMAPS_MAX;

    /** That of an image without bitmaps. */
    static final BitmapDirectory NONE = new BitmapDirectory(0, 0, List.of(), List.of());

    /** Of a name that is not legal, warnings show so much. */
    private static final int SHOWN_NAME = 64;

    /** Tables are looked into for warnings up to so many bytes in all: it must stay quick. */
    private static final long LOOKED_AT_MAX = 1L << 20;

    /** Lists the bitmaps of an image. Fails only if the storage does. */
    static BitmapDirectory read(StorageNode storage, Header header) {
        Optional<HeaderExtension> extension = header.extension(HeaderExtension.BITMAPS);
        if (extension.isEmpty()) {
            return NONE;
        }
        if ((header.autoclear() & Header.BITMAPS_VALID) == 0) {
            return unusable(
                    "bitmaps: all are invalid, since a program that does not know them changed"
                            + " the image");
        }
        byte[] data = extension.get().data();
        if (data.length != EXTENSION_BYTES) {
            return unusable("bitmaps: extension has %d bytes, not 24".formatted(data.length));
        }
        ByteBuffer fields = ByteBuffer.wrap(data);
        long count = Integer.toUnsignedLong(fields.getInt(0));
        long bytes = fields.getLong(8);
        long offset = fields.getLong(16);
        if (count < 1 || count > BITMAPS_MAX) {
            return unusable("bitmaps: there are %d, not 1..65535".formatted(count));
        }
        if (bytes < 0 || bytes > BYTES_MAX || offset <= 0 || !header.geometry().isAligned(offset)) {
            return unusable(
                    "bitmaps: directory of %d bytes at 0x%x is not legal".formatted(bytes, offset));
        }
        return readEntries(storage, header.geometry(), (int) count, bytes, offset);
    }

    private static BitmapDirectory unusable(String why) {
        return new BitmapDirectory(0, 0, List.of(), List.of(why));
    }

    private static BitmapDirectory readEntries(
            StorageNode storage, Geometry geometry, int count, long bytes, long offset) {
        List<BitmapEntry> entries = new ArrayList<>();
        List<String> warnings = new ArrayList<>();
        Set<String> names = new HashSet<>();
        try {
            var in = new StreamReader(storage, "bitmap directory", offset, bytes);
            for (int i = 0; i < count; i++) {
                BitmapEntry entry = readEntry(in, i, geometry);
                if (entry.problem().isEmpty() && !names.add(entry.text())) {
                    entry = entry.broken("another one has the same name");
                }
                entries.add(entry);
            }
            if (in.remaining() > 0) {
                warnings.add(
                        "bitmaps: directory has %d bytes after its last entry"
                                .formatted(in.remaining()));
            }
        } catch (BlockException.Corrupt damaged) {
            warnings.add("%s: %s".formatted(damaged.structure(), damaged.found()));
        }
        return new BitmapDirectory(offset, bytes, List.copyOf(entries), List.copyOf(warnings));
    }

    private static BitmapEntry readEntry(StreamReader in, int index, Geometry geometry) {
        long at = in.hostOffset();
        long before = in.position();
        byte[] head = take(in, BitmapEntry.HEAD_BYTES, index);
        ByteBuffer fields = ByteBuffer.wrap(head);
        int nameBytes = Short.toUnsignedInt(fields.getShort(18));
        skip(in, Integer.toUnsignedLong(fields.getInt(20)), index);
        int kept = Math.min(nameBytes, BitmapEntry.NAME_MAX);
        byte[] name = take(in, kept, index);
        skip(in, nameBytes - kept, index);
        skip(in, -in.position() & 7, index);
        int length = (int) (in.position() - before);
        return BitmapEntry.of(at, length, head, name, geometry);
    }

    private static byte[] take(StreamReader in, int count, int index) {
        checkRemaining(in, count, index);
        return in.take(count);
    }

    private static void skip(StreamReader in, long count, int index) {
        checkRemaining(in, count, index);
        for (long left = count; left > 0; ) {
            int now = (int) Math.min(left, 4096);
            in.take(now);
            left -= now;
        }
    }

    private static void checkRemaining(StreamReader in, long count, int index) {
        if (count > in.remaining()) {
            throw new BlockException.Corrupt(
                    "",
                    "bitmaps",
                    in.hostOffset(),
                    "directory ends inside of entry %d".formatted(index));
        }
    }

    /** The same, after a look into the tables of the bitmaps, as far as that is quick. */
    BitmapDirectory lookedInto(StorageNode storage, Header header) {
        List<BitmapEntry> looked = new ArrayList<>(entries.size());
        long left = LOOKED_AT_MAX;
        for (BitmapEntry entry : entries) {
            long tableBytes = entry.tableEntries() * Long.BYTES;
            boolean worth = entry.problem().isEmpty() && tableBytes <= left;
            looked.add(worth ? BitmapTable.look(storage, header, entry) : entry);
            left -= worth ? tableBytes : 0;
        }
        return new BitmapDirectory(offset, bytes, List.copyOf(looked), warnings);
    }

    /** All bitmaps. */
    List<BitmapInfo> infos() {
        return entries.stream().map(BitmapEntry::info).toList();
    }

    /** Those of some bitmaps that are not broken. */
    static List<BitmapInfo> sound(List<BitmapInfo> bitmaps) {
        return bitmaps.stream().filter(each -> each.broken().isEmpty()).toList();
    }

    /** What to warn of, with the broken ones of some bitmaps. */
    List<String> warnings(List<BitmapInfo> bitmaps) {
        List<String> all = new ArrayList<>();
        for (BitmapInfo each : bitmaps) {
            if (!each.broken().isEmpty()) {
                all.add("bitmap '%s': %s".formatted(shown(each.name()), each.broken()));
            }
        }
        all.addAll(warnings);
        return all;
    }

    private static String shown(String name) {
        return name.length() > SHOWN_NAME ? name.substring(0, SHOWN_NAME) + "..." : name;
    }
}
