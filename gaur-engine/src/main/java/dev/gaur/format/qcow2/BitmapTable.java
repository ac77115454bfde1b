package dev.gaur.format.qcow2;

import dev.gaur.bitmap.DirtyBitmap;
import dev.gaur.block.BlockException;
import dev.gaur.block.StorageNode;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/**
 * Reads the table of a bitmap and the bits that it leads to: a cluster of bits for each entry, the
 * first bit of a byte the lowest.
 *
 * <p>Source: the specification, "Bitmap table", "Bitmap data"; the limits are QEMU's.
 */
final class BitmapTable {
    /** QEMU's limit for the bits of one bitmap. */
    static final long PAYLOAD_BYTES_MAX = 512L << 20;

    /** An entry that has no cluster: all its bits are set. Without this bit none is. */
    static final long ALL_ONES = 1;

    private static final long RESERVED = 0xff00_0000_0000_01feL;
    private static final ValueLayout.OfLong LE64 =
            ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private BitmapTable() {}

    /** Bytes of the bits of a bitmap: whole words of 64 bits. */
    static long payloadBytes(long diskBytes, int granularityBits) {
        long granularity = 1L << granularityBits;
        long bits = diskBytes / granularity + (diskBytes % granularity == 0 ? 0 : 1);
        return (bits + Long.SIZE - 1) / Long.SIZE * Long.BYTES;
    }

    /**
     * Reads the table of an entry that has a legal place for it. All clusters that it names lie in
     * the file; a bitmap that is not in use has as many as the disk needs.
     *
     * @throws BlockException.Corrupt if it is not so
     */
    static long[] read(StorageNode file, Header header, BitmapEntry entry) {
        Geometry geometry = header.geometry();
        boolean known = entry.granularity() > 0 && !entry.inUse();
        long payload =
                known
                        ? payloadBytes(header.virtualSize(), entry.granularityBits())
                        : geometry.clusterOffset(entry.tableEntries());
        if (entry.tableEntries() != geometry.clustersFor(payload)) {
            throw corrupt(
                    file,
                    entry,
                    "table has %d entries, %d are needed"
                            .formatted(entry.tableEntries(), geometry.clustersFor(payload)));
        }
        int entries = (int) entry.tableEntries();
        long[] table = Tables.readEntries(file, structure(entry), entry.tableOffset(), entries);
        for (int i = 0; i < entries; i++) {
            long offset = clusterOffset(table[i]);
            boolean illegal = (table[i] & ALL_ONES) != 0 && offset != 0;
            if (illegal || (table[i] & RESERVED) != 0 || !geometry.isAligned(offset)) {
                throw corrupt(file, entry, "table entry %d is 0x%x".formatted(i, table[i]));
            }
            long needed = Math.min(payload - geometry.clusterOffset(i), geometry.clusterSize());
            if (offset != 0 && offset > file.length() - needed) {
                throw corrupt(
                        file,
                        entry,
                        "table entry %d points to 0x%x, past the end of the file"
                                .formatted(i, offset));
            }
        }
        return table;
    }

    /** Looks whether the table of an entry can be used. */
    static BitmapEntry look(StorageNode file, Header header, BitmapEntry entry) {
        try {
            read(file, header, entry);
            return entry;
        } catch (BlockException damaged) {
            return entry.broken(damaged.found());
        }
    }

    private static String structure(BitmapEntry entry) {
        return "bitmap '" + entry.text() + "'";
    }

    private static BlockException corrupt(StorageNode file, BitmapEntry entry, String found) {
        return new BlockException.Corrupt(
                file.name(), structure(entry), entry.tableOffset(), found);
    }

    /** Where the bits of a table's entry lie; 0 if nowhere. */
    static long clusterOffset(long tableEntry) {
        return L2Entry.hostOffset(tableEntry);
    }

    /** Marks in {@code target}, of this disk's size, what a table of the right length says. */
    static void load(StorageNode file, Geometry geometry, long[] table, DirtyBitmap target) {
        MemorySegment bytes = MemorySegment.ofArray(new byte[geometry.clusterSize()]);
        long words = (target.bits() + Long.SIZE - 1) / Long.SIZE;
        int perPiece = geometry.clusterSize() / Long.BYTES;
        for (int i = 0; i < table.length; i++) {
            if (table[i] != 0) {
                long first = (long) i * perPiece;
                int count = (int) Math.min(perPiece, words - first);
                readPiece(file, table[i], bytes.asSlice(0, (long) count * Long.BYTES));
                for (int word = 0; word < count; word++) {
                    target.orWord(first + word, word(bytes, word));
                }
            }
        }
    }

    /** Reads the bits of one entry of a table. */
    static void readPiece(StorageNode file, long tableEntry, MemorySegment target) {
        if (tableEntry == 0) {
            target.fill((byte) 0);
        } else if (tableEntry == ALL_ONES) {
            target.fill((byte) -1);
        } else {
            Tables.read(file, "bitmap data", clusterOffset(tableEntry), target);
        }
    }

    /** Returns 64 bits of a piece, the first one the lowest. */
    static long word(MemorySegment piece, int index) {
        return piece.get(LE64, (long) index * Long.BYTES);
    }

    /** Stores 64 bits of a piece. */
    static void putWord(MemorySegment piece, int index, long bits) {
        piece.set(LE64, (long) index * Long.BYTES, bits);
    }
}
