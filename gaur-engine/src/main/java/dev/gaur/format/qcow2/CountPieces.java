package dev.gaur.format.qcow2;

import dev.gaur.block.BlockEvent;
import dev.gaur.block.StorageNode;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;

/**
 * Counts of which only pieces of their blocks are in memory: those that a replay changes lie all
 * over the image, a few in each block. Not safe for many threads.
 */
final class CountPieces {
    private static final int PIECE_BYTES = 4096;

    private final StorageNode file;
    private final Geometry geometry;
    private final int bytes;

    /** By number, counted through all blocks. */
    private final TreeMap<Long, CountBlock> pieces = new TreeMap<>();

    /** Numbers of those that are to be read, by their places in the file. */
    private final TreeMap<Long, Long> wanted = new TreeMap<>();

    CountPieces(StorageNode file, Geometry geometry) {
        this.file = file;
        this.geometry = geometry;
        this.bytes = Math.min(PIECE_BYTES, geometry.clusterSize());
    }

    /** How many counts a piece has. */
    int counts() {
        return geometry.refcountsPerBlock() / perBlock();
    }

    private int perBlock() {
        return geometry.clusterSize() / bytes;
    }

    private long number(long cluster) {
        return cluster / counts();
    }

    /** The first cluster whose count is not in the same piece any more. */
    long end(long cluster) {
        return (number(cluster) + 1) * counts();
    }

    /**
     * Returns the piece with a cluster's count.
     *
     * @param block where its block lies, in the file
     */
    CountBlock piece(long cluster, long block) {
        CountBlock piece = pieces.get(number(cluster));
        if (piece == null) {
            want(cluster, block);
            load();
            piece = Objects.requireNonNull(pieces.get(number(cluster)));
        }
        return piece;
    }

    /** Says that {@link #load} shall read the piece with a cluster's count. */
    void want(long cluster, long block) {
        long number = number(cluster);
        if (!pieces.containsKey(number)) {
            wanted.put(block + number % perBlock() * bytes, number);
        }
    }

    /** Reads all that are wanted. */
    void load() {
        ScatteredReads reads = new ScatteredReads(file);
        for (long offset : wanted.keySet()) {
            file.event(BlockEvent.REFBLOCK_LOAD);
            reads.add(offset, bytes);
        }
        reads.takePresent(this::take);
        reads.forEach(this::take);
        wanted.clear();
    }

    private void take(ScatteredReads.Piece read, MemorySegment content) {
        for (int at = 0; at < read.bytes(); at += bytes) {
            MemorySegment copy = MemorySegment.ofArray(new byte[bytes]);
            copy.copyFrom(content.asSlice(at, bytes));
            long offset = read.offset() + at;
            Long number = Objects.requireNonNull(wanted.get(offset));
            pieces.put(number, new CountBlock(offset, copy, geometry.refcountOrder()));
        }
    }

    /** Those that are there. */
    Collection<CountBlock> all() {
        return pieces.values();
    }

    /** Forgets what the file has, too. */
    void forgetClean() {
        pieces.values().removeIf(piece -> !piece.isDirty());
    }

    /** Takes out those of a block, which is all in memory now. */
    List<CountBlock> remove(int index) {
        if (pieces.isEmpty()) {
            return List.of();
        }
        long first = (long) index * perBlock();
        Map<Long, CountBlock> ofBlock = pieces.subMap(first, first + perBlock());
        List<CountBlock> removed = new ArrayList<>(ofBlock.values());
        ofBlock.clear();
        return removed;
    }
}
