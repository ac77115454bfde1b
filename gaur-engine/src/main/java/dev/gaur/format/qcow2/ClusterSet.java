package dev.gaur.format.qcow2;

import java.util.concurrent.atomic.AtomicLongArray;
import java.util.concurrent.atomic.AtomicReferenceArray;
import org.jspecify.annotations.Nullable;

/**
 * A set of host clusters, by number: a bit each, where there are any. Asking takes no lock; changes
 * are made by one thread at a time.
 */
final class ClusterSet {
    private static final int PIECE_WORD_BITS = 4;
    private static final int PIECE_WORDS = 1 << PIECE_WORD_BITS;
    private static final int PIECE_BITS = PIECE_WORD_BITS + 6;

    /** Metadata often lies alone: what is not used of a chunk must not cost much. */
    private static final int CHUNK_PIECE_BITS = 5;

    private static final int CHUNK_PIECES = 1 << CHUNK_PIECE_BITS;
    private static final int CHUNK_BITS = CHUNK_PIECE_BITS + PIECE_BITS;

    /** Pieces of bits. */
    private static final class Chunk extends AtomicReferenceArray<@Nullable AtomicLongArray> {
        private static final long serialVersionUID = 1;

        Chunk() {
            super(CHUNK_PIECES);
        }
    }

    private volatile AtomicReferenceArray<@Nullable Chunk> chunks = new AtomicReferenceArray<>(1);

    /** Tells whether any of {@code count} clusters from {@code first} on is in the set. */
    boolean containsAny(long first, long count) {
        for (long cluster = first; cluster < first + count; cluster++) {
            if (contains(cluster)) {
                return true;
            }
        }
        return false;
    }

    /** Tells whether a cluster that a range of the file touches is in the set. */
    boolean containsAnyOf(Geometry geometry, long hostOffset, long length) {
        long first = geometry.clusterIndex(hostOffset);
        return containsAny(first, geometry.clusterIndex(hostOffset + length - 1) - first + 1);
    }

    boolean contains(long cluster) {
        var all = chunks;
        long index = cluster >>> CHUNK_BITS;
        Chunk chunk = index < all.length() ? all.get((int) index) : null;
        AtomicLongArray piece = chunk != null ? chunk.get(piece(cluster)) : null;
        return piece != null && (piece.get(word(cluster)) >>> cluster & 1) != 0;
    }

    void add(long first, long count) {
        for (long cluster = first; cluster < first + count; cluster++) {
            AtomicLongArray piece = pieceToChange(cluster);
            piece.set(word(cluster), piece.get(word(cluster)) | 1L << cluster);
        }
    }

    void remove(long first, long count) {
        for (long cluster = first; cluster < first + count; cluster++) {
            if (contains(cluster)) {
                AtomicLongArray piece = pieceToChange(cluster);
                piece.set(word(cluster), piece.get(word(cluster)) & ~(1L << cluster));
            }
        }
    }

    private static int word(long cluster) {
        return (int) (cluster >>> 6) & (PIECE_WORDS - 1);
    }

    private static int piece(long cluster) {
        return (int) (cluster >>> PIECE_BITS) & (CHUNK_PIECES - 1);
    }

    private AtomicLongArray pieceToChange(long cluster) {
        int index = Math.toIntExact(cluster >>> CHUNK_BITS);
        if (index >= chunks.length()) {
            grow(index + 1);
        }
        Chunk chunk = chunks.get(index);
        if (chunk == null) {
            chunk = new Chunk();
            chunks.set(index, chunk);
        }
        AtomicLongArray piece = chunk.get(piece(cluster));
        if (piece == null) {
            piece = new AtomicLongArray(PIECE_WORDS);
            chunk.set(piece(cluster), piece);
        }
        return piece;
    }

    private void grow(int needed) {
        var old = chunks;
        var larger = new AtomicReferenceArray<@Nullable Chunk>(Math.max(needed, 2 * old.length()));
        for (int i = 0; i < old.length(); i++) {
            larger.set(i, old.get(i));
        }
        chunks = larger;
    }
}
