package dev.gaur.format.qcow2;

import dev.gaur.block.BlockEvent;
import dev.gaur.block.BlockException;
import dev.gaur.block.Durability;
import dev.gaur.block.StorageNode;
import dev.gaur.mem.Bytes;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.function.Consumer;

/**
 * All that an L1 table leads to: of the active state, VM state included, or of a snapshot. Goes
 * through it table by table, in one order, with memory for one table. Not for several threads.
 */
final class ClusterTree {
    /** Is told of clusters that lie behind each other. */
    @FunctionalInterface
    interface RunVisitor {
        /** Returns whether to go on. */
        boolean visit(long first, long count);
    }

    /** Changes the entries of a table in memory. */
    @FunctionalInterface
    interface TableEdit {
        /**
         * Changes entries.
         *
         * @param l1Index which table
         * @param words its entries; extended ones are followed by their bitmap
         */
        void edit(int l1Index, long[] words);
    }

    private final StorageNode file;
    private final Geometry geometry;

    /** Whether the guest's clusters lie in the image file. */
    private final boolean counted;

    private final String name;
    private final long[] l1;
    private final MemorySegment buffer;
    private final long[] words;
    private final long[] before;
    private final int step;

    /**
     * @param name of the L1 table, for messages
     * @param l1 its entries; kept, not changed
     * @param buffer of a cluster; in use only while this tree reads or changes a table
     */
    ClusterTree(StorageNode file, Header header, String name, long[] l1, MemorySegment buffer) {
        this.file = file;
        this.geometry = header.geometry();
        this.counted = !header.has(Header.DATA_FILE);
        this.name = name;
        this.l1 = l1;
        this.buffer = buffer;
        this.words = new long[geometry.clusterSize() / Long.BYTES];
        this.before = new long[words.length];
        this.step = geometry.extendedL2() ? 2 : 1;
    }

    /** Where the table of an L1 entry lies, checked; 0 if there is none. */
    long tableOffset(int l1Index) {
        long offset = L2Entry.hostOffset(l1[l1Index]);
        if (!geometry.isAligned(offset)) {
            throw new BlockException.Corrupt(
                    file.name(),
                    name,
                    BlockException.NO_OFFSET,
                    "entry %d points to an L2 table at 0x%x, not a multiple of the cluster size"
                            .formatted(l1Index, offset));
        }
        return offset;
    }

    /**
     * Tells all references of the tree: to each table, and to each cluster in each table.
     *
     * @return false if the visitor ended it
     */
    boolean references(RunVisitor visitor) {
        Merger merger = new Merger(visitor);
        for (int l1Index = 0; l1Index < l1.length; l1Index++) {
            long offset = tableOffset(l1Index);
            if (offset != 0) {
                read(l1Index, offset);
                boolean goOn =
                        merger.add(geometry.clusterIndex(offset), 1)
                                && addEntries(merger, l1Index, offset, 0);
                if (!goOn) {
                    return false;
                }
            }
        }
        return merger.flush();
    }

    private void read(int l1Index, long offset) {
        file.event(BlockEvent.L2_LOAD);
        Tables.read(file, "L2 table " + l1Index, offset, buffer);
        Bytes.copyU64(buffer, 0, words, 0, words.length);
    }

    /** Tells the references of one table to its clusters, from one entry on. */
    void references(int l1Index, int from, RunVisitor visitor) {
        long offset = tableOffset(l1Index);
        if (offset != 0) {
            Merger merger = new Merger(visitor);
            read(l1Index, offset);
            if (addEntries(merger, l1Index, offset, from)) {
                merger.flush();
            }
        }
    }

    /** Writes the first entries of a table to another place; the others are empty there. */
    void copyPart(int l1Index, int count, long place) {
        read(l1Index, tableOffset(l1Index));
        Arrays.fill(words, count * step, words.length, 0);
        Bytes.putU64(buffer, 0, words, 0, words.length);
        file.event(BlockEvent.L2_ALLOC_WRITE);
        file.write(place, buffer, Durability.CACHED);
    }

    private boolean addEntries(Merger merger, int l1Index, long offset, int from) {
        if (!counted) {
            return true;
        }
        boolean goOn = true;
        for (int i = from * step; i < words.length && goOn; i += step) {
            long word = words[i];
            if (word == 0) {
                continue;
            }
            if (L2Entry.isCompressed(word)) {
                long first = geometry.clusterIndex(compressedOffset(word));
                goOn = merger.add(first, compressedClusters(word));
            } else if (L2Entry.hostOffset(word) != 0) {
                checkAligned(word, l1Index, offset, i);
                goOn = merger.add(geometry.clusterIndex(L2Entry.hostOffset(word)), 1);
            }
        }
        return goOn;
    }

    private long compressedOffset(long word) {
        return L2Entry.compressedOffset(word, geometry.clusterBits());
    }

    private long compressedClusters(long word) {
        long offset = compressedOffset(word);
        long end = offset + L2Entry.compressedBytes(word, geometry.clusterBits());
        return geometry.clusterIndex(end - 1) - geometry.clusterIndex(offset) + 1;
    }

    private void checkAligned(long word, int l1Index, long offset, int index) {
        if (!geometry.isAligned(L2Entry.hostOffset(word))) {
            throw new BlockException.Corrupt(
                    file.name(),
                    "L2 table " + l1Index,
                    offset + (long) index * Long.BYTES,
                    "entry 0x%016x is no multiple of the cluster size".formatted(word));
        }
    }

    /** Joins what lies behind each other. */
    private static final class Merger {
        private final RunVisitor visitor;
        private long first;
        private long count;

        Merger(RunVisitor visitor) {
            this.visitor = visitor;
        }

        boolean add(long cluster, long clusters) {
            if (cluster == first + count) {
                count += clusters;
                return true;
            }
            boolean goOn = flush();
            first = cluster;
            count = clusters;
            return goOn;
        }

        boolean flush() {
            return count == 0 || visitor.visit(first, count);
        }
    }

    /** Shows the entries of one table. */
    void look(int l1Index, Consumer<long[]> viewer) {
        long offset = tableOffset(l1Index);
        if (offset != 0) {
            read(l1Index, offset);
            viewer.accept(words);
        }
    }

    /** Changes one table, and writes what changed of it. */
    void edit(int l1Index, TableEdit edit) {
        long offset = tableOffset(l1Index);
        if (offset == 0) {
            return;
        }
        read(l1Index, offset);
        System.arraycopy(words, 0, before, 0, words.length);
        edit.edit(l1Index, words);
        write(offset);
    }

    private void write(long offset) {
        int first = Arrays.mismatch(words, before);
        if (first >= 0) {
            int last = words.length - 1;
            while (words[last] == before[last]) {
                last--;
            }
            int perSector = Geometry.SECTOR / Long.BYTES;
            int from = first / perSector * perSector;
            int count = (last / perSector + 1) * perSector - from;
            Bytes.putU64(buffer, (long) from * Long.BYTES, words, from, count);
            long at = (long) from * Long.BYTES;
            MemorySegment part = buffer.asSlice(at, (long) count * Long.BYTES);
            file.event(BlockEvent.L2_UPDATE);
            file.write(offset + at, part, Durability.CACHED);
        }
    }

    /** Clears COPIED in all tables. */
    void clearCopied() {
        for (int l1Index = 0; l1Index < l1.length; l1Index++) {
            edit(
                    l1Index,
                    (number, table) -> {
                        for (int i = 0; i < table.length; i += step) {
                            table[i] &= ~L2Entry.COPIED;
                        }
                    });
        }
    }

    /** Makes COPIED what the counts say, in all tables that nobody else has. */
    void setCopied(Refcounts counts) {
        for (int l1Index = 0; l1Index < l1.length; l1Index++) {
            long table = tableOffset(l1Index);
            // What a shared table points to is shared, too.
            if (table != 0 && counts.get(geometry.clusterIndex(table)) == 1) {
                edit(l1Index, (_, entries) -> setCopied(entries, counts));
            }
        }
    }

    private void setCopied(long[] table, Refcounts counts) {
        for (int i = 0; i < table.length; ) {
            if (!isPlaced(table[i])) {
                i += step;
                continue;
            }
            int end = i + step;
            long next = nextPlace(table[i]);
            while (end < table.length
                    && isPlaced(table[end])
                    && L2Entry.hostOffset(table[end]) == next) {
                next = nextPlace(table[end]);
                end += step;
            }
            setCopied(table, i, end, counts);
            i = end;
        }
    }

    private static boolean isPlaced(long word) {
        return L2Entry.hostOffset(word) != 0 && !L2Entry.isCompressed(word);
    }

    private long nextPlace(long word) {
        return L2Entry.hostOffset(word) + geometry.clusterSize();
    }

    /** The same for entries whose clusters lie behind each other. */
    private void setCopied(long[] table, int from, int end, Refcounts counts) {
        long cluster = geometry.clusterIndex(L2Entry.hostOffset(table[from]));
        for (int i = from; i < end; ) {
            long same = counts.onesFrom(cluster, (end - i) / step);
            for (long left = Math.abs(same); left > 0; left--) {
                table[i] = same > 0 ? table[i] | L2Entry.COPIED : table[i] & ~L2Entry.COPIED;
                i += step;
            }
            cluster += Math.abs(same);
        }
    }
}
