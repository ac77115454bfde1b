package dev.gaur.format.qcow2;

import dev.gaur.block.Durability;
import dev.gaur.block.StorageNode;
import dev.gaur.format.qcow2.ClusterAllocator.Taken;
import dev.gaur.mem.Bytes;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;

/**
 * Writes bitmaps to clusters that nothing refers to yet; what did not change stays where it is. Who
 * calls makes it stable, and then lets the header refer to it. For one thread, once.
 */
final class BitmapWriter {
    private final StorageNode file;
    private final Geometry geometry;
    private final ClusterAllocator allocator;
    private final List<Taken> taken = new ArrayList<>();

    /** Clusters that the new directory has of the old one, by their offset. */
    private final ClusterSet kept = new ClusterSet();

    BitmapWriter(StorageNode file, Geometry geometry, ClusterAllocator allocator) {
        this.file = file;
        this.geometry = geometry;
        this.allocator = allocator;
    }

    /** Clusters that the new directory still needs. */
    ClusterSet kept() {
        return kept;
    }

    /** Gives back all that was written. */
    void undo() {
        taken.forEach(each -> allocator.free(each.hostOffset(), each.clusters()));
        taken.clear();
    }

    /**
     * Writes bits, tables and a directory.
     *
     * @return the bitmaps extension that refers to it
     */
    byte[] write(List<StoredBitmap> bitmaps) {
        List<byte[]> entries = new ArrayList<>(bitmaps.size());
        int bytes = 0;
        for (StoredBitmap each : bitmaps) {
            byte[] entry = entry(each);
            entries.add(entry);
            bytes += entry.length;
        }
        ByteBuffer directory = ByteBuffer.allocate(bytes);
        entries.forEach(directory::put);
        long place = put(MemorySegment.ofArray(directory.array()));
        ByteBuffer extension = ByteBuffer.allocate(BitmapDirectory.EXTENSION_BYTES);
        extension.putInt(bitmaps.size()).putInt(0).putLong(bytes).putLong(place);
        return extension.array();
    }

    private byte[] entry(StoredBitmap bitmap) {
        BitmapEntry old = bitmap.entry();
        if (old != null && !bitmap.isUsable()) { // In the file it is marked as in use.
            keepTable(bitmap, old);
            MemorySegment bytes = MemorySegment.ofArray(new byte[old.length()]);
            Tables.read(file, "bitmap directory", old.at(), bytes);
            return (byte[]) bytes.heapBase().orElseThrow();
        }
        int flags = bitmap.isEnabled() ? BitmapEntry.AUTO : 0;
        if (old != null && bitmap.isUnchanged()) {
            keepTable(bitmap, old);
            return BitmapEntry.encode(
                    bitmap.name(),
                    bitmap.granularityBits(),
                    flags,
                    old.tableOffset(),
                    bitmap.table().length);
        }
        long[] table = writeBits(bitmap);
        MemorySegment bytes = MemorySegment.ofArray(new byte[table.length * Long.BYTES]);
        for (int i = 0; i < table.length; i++) {
            Bytes.putU64(bytes, (long) i * Long.BYTES, table[i]);
        }
        long place = put(bytes);
        return BitmapEntry.encode(
                bitmap.name(), bitmap.granularityBits(), flags, place, table.length);
    }

    private void keepTable(StoredBitmap bitmap, BitmapEntry entry) {
        if (bitmap.isOwned()) {
            long bytes = (long) bitmap.table().length * Long.BYTES;
            keep(entry.tableOffset(), geometry.clustersFor(bytes));
            for (long each : bitmap.table()) {
                keepPiece(each);
            }
        }
    }

    private void keepPiece(long tableEntry) {
        if (BitmapTable.clusterOffset(tableEntry) != 0) {
            keep(BitmapTable.clusterOffset(tableEntry), 1);
        }
    }

    private void keep(long hostOffset, long clusters) {
        kept.add(geometry.clusterIndex(hostOffset), clusters);
    }

    /** Writes the pieces that changed, and returns the new table. */
    private long[] writeBits(StoredBitmap bitmap) {
        long diskBytes = bitmap.changes().length();
        long payload = BitmapTable.payloadBytes(diskBytes, bitmap.granularityBits());
        long[] table = new long[(int) geometry.clustersFor(payload)];
        for (int i = 0; i < table.length; i++) {
            long old = bitmap.isBased() ? bitmap.table()[i] : 0;
            if (isPieceUnchanged(bitmap, i)) {
                table[i] = old;
                keepPiece(old);
            } else {
                long needed = payload - geometry.clusterOffset(i);
                table[i] = put(piece(bitmap, i, old, Math.min(needed, geometry.clusterSize())));
            }
        }
        return table;
    }

    private boolean isPieceUnchanged(StoredBitmap bitmap, int index) {
        long bits = (long) geometry.clusterSize() * Byte.SIZE;
        long first = index * bits;
        return bitmap.changes().nextBit(true, first)
                >= Math.min(first + bits, bitmap.changes().bits());
    }

    /** A cluster of bits, filled up with zeros. */
    private MemorySegment piece(StoredBitmap bitmap, int index, long old, long needed) {
        MemorySegment bytes = MemorySegment.ofArray(new byte[geometry.clusterSize()]);
        BitmapTable.readPiece(file, old, bytes.asSlice(0, needed));
        int words = (int) (needed / Long.BYTES);
        long first = (long) index * (geometry.clusterSize() / Long.BYTES);
        for (int i = 0; i < words; i++) {
            long bits = BitmapTable.word(bytes, i) | bitmap.changes().word(first + i);
            BitmapTable.putWord(bytes, i, bits & bitmap.changes().wordMask(first + i));
        }
        return bytes;
    }

    private long put(MemorySegment bytes) {
        Taken room = allocator.takeRun(geometry.clustersFor(bytes.byteSize()));
        taken.add(room);
        file.write(room.hostOffset(), bytes, Durability.CACHED);
        return room.hostOffset();
    }
}
