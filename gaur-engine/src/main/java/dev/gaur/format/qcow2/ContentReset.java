package dev.gaur.format.qcow2;

import dev.gaur.block.BlockEvent;
import dev.gaur.block.BlockException;
import dev.gaur.block.Durability;
import dev.gaur.block.StorageNode;
import dev.gaur.block.ZeroMode;
import java.lang.foreign.MemorySegment;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * Empties an image whose clusters belong to its active state alone, without looking at a single L2
 * table: the L1 table becomes zeros, and of the refcounts only those stay that count what the image
 * needs in any case. The file is cut behind that. Works on the file of an image that nobody uses.
 *
 * <p>In this order, each stable before the next: L1 table; the refcount table's entries of blocks
 * that go; the blocks that stay; the file's length. So at any moment no table points to a cluster
 * with count zero (Q1), and what a crash leaves behind is leaked.
 *
 * <p>Source: the specification, "Host cluster management".
 */
final class ContentReset {
    private final StorageNode file;
    private final Header header;
    private final Geometry geometry;
    private final long[] table;

    /** Clusters that stay. */
    private final TreeSet<Long> kept = new TreeSet<>();

    /** Blocks that stay, by number, and what they will hold. */
    private final TreeMap<Integer, MemorySegment> blocks = new TreeMap<>();

    private ContentReset(StorageNode file, Header header) {
        this.file = file;
        this.header = header;
        this.geometry = header.geometry();
        int entries = header.refcountTableClusters() * geometry.tableEntriesPerCluster();
        this.table =
                Tables.readEntries(file, "refcount table", header.refcountTableOffset(), entries);
    }

    /** Tells whether nothing but the active state has clusters, as far as the header says. */
    static boolean isPossible(Header header) {
        return header.snapshotCount() == 0
                && header.cryptMethod() == 0
                && !header.has(Header.DATA_FILE)
                && header.extensions().stream().allMatch(ContentReset::hasNoClusters);
    }

    private static boolean hasNoClusters(HeaderExtension extension) {
        return extension.type() == HeaderExtension.BACKING_FORMAT
                || extension.type() == HeaderExtension.FEATURE_NAMES
                || extension.type() == HeaderExtension.JOURNAL; // Not while it is open.
    }

    /**
     * Empties an image.
     *
     * @throws BlockException if that failed; what is left of the image is sound
     */
    static void run(StorageNode file, Header header) {
        file.event(BlockEvent.EMPTY_IMAGE_PREPARE);
        ContentReset reset = new ContentReset(file, header);
        reset.findKept();
        reset.clearL1();
        reset.dropBlocks();
        reset.writeBlocks();
        reset.giveSpaceBack();
    }

    // ---- what stays

    private void findKept() {
        Deque<Integer> needed = new ArrayDeque<>();
        keep(0, 1, needed);
        keep(header.l1TableOffset(), l1Bytes(), needed);
        long tableBytes = geometry.clusterOffset(header.refcountTableClusters());
        keep(header.refcountTableOffset(), tableBytes, needed);
        while (!needed.isEmpty()) {
            int index = needed.remove();
            if (!blocks.containsKey(index)) {
                byte[] zeros = new byte[geometry.clusterSize()];
                blocks.put(index, MemorySegment.ofArray(zeros));
                keep(blockOffset(index), geometry.clusterSize(), needed);
            }
        }
        for (long cluster : kept) {
            int index = blockIndex(cluster);
            int inBlock = geometry.refcountBlockIndex(cluster);
            MemorySegment block = blocks.get(index);
            if (block == null) {
                throw new AssertionError("block " + index + " was forgotten");
            }
            RefcountBlock.set(block, geometry.refcountOrder(), inBlock, 1);
        }
    }

    private long l1Bytes() {
        return (long) header.l1Entries() * Long.BYTES;
    }

    private void keep(long hostOffset, long bytes, Deque<Integer> needed) {
        if (bytes == 0) {
            return;
        }
        long last = geometry.clusterIndex(hostOffset + bytes - 1);
        for (long cluster = geometry.clusterIndex(hostOffset); cluster <= last; cluster++) {
            if (kept.add(cluster)) {
                needed.add(blockIndex(cluster));
            }
        }
    }

    private int blockIndex(long cluster) {
        return Math.toIntExact(geometry.refcountTableIndex(cluster));
    }

    private long blockOffset(int index) {
        long offset = index < table.length ? table[index] & RefcountBlock.OFFSET_MASK : 0;
        if (offset == 0 || !geometry.isAligned(offset)) {
            throw new BlockException.Corrupt(
                    file.name(),
                    "refcount table",
                    header.refcountTableOffset() + (long) index * Long.BYTES,
                    "entry %d leads to no block, but metadata lies there".formatted(index));
        }
        return offset;
    }

    // ---- what goes

    private void clearL1() {
        if (l1Bytes() > 0) {
            file.event(BlockEvent.L1_UPDATE);
            file.zero(header.l1TableOffset(), l1Bytes(), ZeroMode.KEEP, Durability.CACHED);
        }
        file.flush();
    }

    private void dropBlocks() {
        boolean changes = false;
        MemorySegment entry = MemorySegment.ofArray(new byte[Long.BYTES]);
        for (int index = 0; index < table.length; index++) {
            if (table[index] != 0 && !blocks.containsKey(index)) {
                long at = header.refcountTableOffset() + (long) index * Long.BYTES;
                file.event(BlockEvent.REFTABLE_UPDATE);
                file.write(at, entry, Durability.CACHED);
                changes = true;
            }
        }
        if (changes) {
            file.flush();
        }
    }

    private void writeBlocks() {
        blocks.forEach(
                (index, bytes) -> {
                    file.event(BlockEvent.REFBLOCK_UPDATE);
                    file.write(blockOffset(index), bytes, Durability.CACHED);
                });
        file.flush();
    }

    private void giveSpaceBack() {
        try {
            long end = geometry.clusterOffset(kept.last() + 1);
            if (file.length() > end) {
                file.resize(end);
            }
            discardBetween();
        } catch (BlockException.Media _) {
            // Nothing depends on it: nothing of it is counted.
        }
        file.flush();
    }

    private void discardBetween() {
        long free = 0;
        for (long cluster : kept) {
            long start = geometry.clusterOffset(cluster);
            if (start > free) {
                file.discard(free, start - free);
            }
            free = start + geometry.clusterSize();
        }
    }
}
