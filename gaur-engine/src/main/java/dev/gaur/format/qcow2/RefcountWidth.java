package dev.gaur.format.qcow2;

import dev.gaur.block.BlockException;
import dev.gaur.block.Durability;
import dev.gaur.block.StorageNode;
import dev.gaur.mem.Bytes;
import java.lang.foreign.MemorySegment;
import java.util.BitSet;

/**
 * Gives the counts of an image another width: writes them anew behind all that is used, and
 * switches to them with one write of the header's first sector (Q6). Memory for one block, and a
 * bit for each.
 */
final class RefcountWidth {
    private final WholeImage image;
    private final StorageNode file;
    private final Geometry old;
    private final Geometry now;
    private final Refcounts counts;

    private RefcountWidth(WholeImage image, int order) {
        this.image = image;
        this.file = image.file();
        this.old = image.geometry();
        this.now = new Geometry(old.clusterBits(), old.extendedL2(), order);
        this.counts = image.refcounts();
    }

    /** Where the new structures lie: the table, then all blocks. */
    private record Place(long first, int tableClusters, BitSet blocks, long end) {}

    /**
     * Changes the width. The old structures are still counted then.
     *
     * @param order a count gets {@code 1 << order} bits
     */
    static void change(WholeImage image, int order) {
        var change = new RefcountWidth(image, order);
        BitSet used = change.usedBlocks();
        Place place = change.place(used);
        long end = change.old.clusterOffset(place.end());
        long before = change.file.length();
        image.prepare(
                () -> {
                    if (before < end) {
                        change.file.resize(end);
                    }
                    change.write(place);
                    image.flush();
                },
                () -> change.file.resize(before));
        image.change(() -> change.switchTo(place));
    }

    /** Finds the new blocks that will count something, and sees to it that all counts fit. */
    private BitSet usedBlocks() {
        BitSet used = new BitSet();
        int perBlock = old.refcountsPerBlock();
        for (int index = 0; index < counts.blocksEnd(); index++) {
            if (counts.blockOffset(index) == 0) {
                continue;
            }
            CountBlock block = counts.block(index);
            long first = (long) index * perBlock;
            for (int at = block.nextOther(0, perBlock, 0); at < perBlock; ) {
                checkFits(first + at, block.get(at));
                used.set((int) now.refcountTableIndex(first + at));
                int rest = block.nextOther(at + 1, perBlock, 1);
                if (rest > at + 1) {
                    int from = (int) now.refcountTableIndex(first + at + 1);
                    used.set(from, (int) now.refcountTableIndex(first + rest - 1) + 1);
                }
                at = block.nextOther(rest, perBlock, 0);
            }
        }
        return used;
    }

    private void checkFits(long cluster, long count) {
        if (Long.compareUnsigned(count, now.refcountMax()) > 0) {
            throw new BlockException.Unsupported(
                    file.name(),
                    "",
                    ("Cannot decrease refcount entry width to %d bits: Cluster at offset %#x has"
                                    + " a refcount of %s")
                            .formatted(
                                    now.refcountBits(),
                                    old.clusterOffset(cluster),
                                    Long.toUnsignedString(count)));
        }
    }

    private Place place(BitSet used) {
        long first = Math.max(counts.end(), old.clustersFor(file.length()));
        int tableClusters = 1;
        BitSet blocks = (BitSet) used.clone();
        while (true) {
            long end = first + tableClusters + blocks.cardinality();
            BitSet more = (BitSet) blocks.clone();
            int last = Math.toIntExact(now.refcountTableIndex(end - 1));
            more.set((int) now.refcountTableIndex(first), last + 1);
            int needed = Math.ceilDiv(more.length(), now.tableEntriesPerCluster());
            if (needed <= tableClusters && more.equals(blocks)) {
                Tables.checkRefcountTable(
                        file, (long) tableClusters * now.tableEntriesPerCluster());
                return new Place(first, tableClusters, blocks, end);
            }
            tableClusters = Math.max(tableClusters, needed);
            blocks = more;
        }
    }

    private void write(Place place) {
        long[] table = new long[place.tableClusters() * now.tableEntriesPerCluster()];
        long at = place.first() + place.tableClusters();
        MemorySegment block = MemorySegment.ofArray(new byte[now.clusterSize()]);
        for (int index : place.blocks().stream().toArray()) {
            fill(block, index, place);
            file.write(now.clusterOffset(at), block, Durability.CACHED);
            table[index] = now.clusterOffset(at++);
        }
        var bytes = MemorySegment.ofArray(new byte[table.length * Long.BYTES]);
        Bytes.putU64(bytes, 0, table, 0, table.length);
        file.write(now.clusterOffset(place.first()), bytes, Durability.CACHED);
    }

    private void fill(MemorySegment block, int index, Place place) {
        block.fill((byte) 0);
        long first = (long) index * now.refcountsPerBlock();
        long end = first + now.refcountsPerBlock();
        for (long cluster = first; cluster < end; ) {
            long stop = Math.min(end, cluster + old.refcountsPerBlock());
            stop =
                    Math.min(
                            stop,
                            (cluster / old.refcountsPerBlock() + 1) * old.refcountsPerBlock());
            copy(block, first, cluster, stop);
            cluster = stop;
        }
        long own = Math.max(first, place.first());
        for (long cluster = own; cluster < Math.min(end, place.end()); cluster++) {
            RefcountBlock.set(block, now.refcountOrder(), (int) (cluster - first), 1);
        }
    }

    /** Copies counts that one old block has. */
    private void copy(MemorySegment block, long first, long from, long stop) {
        long index = old.refcountTableIndex(from);
        if (counts.blockOffset(index) == 0) {
            return;
        }
        CountBlock source = counts.block((int) index);
        int start = old.refcountBlockIndex(from);
        int end = (int) (start + stop - from);
        for (int at = source.nextOther(start, end, 0); at < end; ) {
            int target = (int) (from + at - start - first);
            RefcountBlock.set(block, now.refcountOrder(), target, source.get(at));
            at = source.nextOther(at + 1, end, 0);
        }
    }

    private void switchTo(Place place) {
        image.header()
                .rewrite(
                        edit -> {
                            edit.refcountTableOffset = now.clusterOffset(place.first());
                            edit.refcountTableClusters = place.tableClusters();
                            edit.refcountOrder = now.refcountOrder();
                        });
    }
}
