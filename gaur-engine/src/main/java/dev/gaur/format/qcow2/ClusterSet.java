package dev.gaur.format.qcow2;

import java.util.concurrent.atomic.AtomicLongArray;
import java.util.concurrent.atomic.AtomicReferenceArray;
import org.jspecify.annotations.Nullable;

/**
 * A set of host clusters, by number: a bit each, where there are any. Asking takes no lock; changes
 * are made by one thread at a time.
 */
final class ClusterSet {
    private static final int CHUNK_WORD_BITS = 9;
    private static final int CHUNK_BITS = CHUNK_WORD_BITS + 6;
    private static final int CHUNK_WORDS = 1 << CHUNK_WORD_BITS;

    private volatile AtomicReferenceArray<@Nullable AtomicLongArray> chunks =
            new AtomicReferenceArray<>(1);

    /** Tells whether any of {@code count} clusters from {@code first} on is in the set. */
    boolean containsAny(long first, long count) {
        for (long cluster = first; cluster < first + count; cluster++) {
            if (contains(cluster)) {
                return true;
            }
        }
        return false;
    }

    boolean contains(long cluster) {
        var all = chunks;
        long index = cluster >>> CHUNK_BITS;
        AtomicLongArray chunk = index < all.length() ? all.get((int) index) : null;
        return chunk != null && (chunk.get(word(cluster)) >>> cluster & 1) != 0;
    }

    void add(long first, long count) {
        for (long cluster = first; cluster < first + count; cluster++) {
            AtomicLongArray chunk = chunkToChange(cluster);
            chunk.set(word(cluster), chunk.get(word(cluster)) | 1L << cluster);
        }
    }

    void remove(long first, long count) {
        for (long cluster = first; cluster < first + count; cluster++) {
            if (contains(cluster)) {
                AtomicLongArray chunk = chunkToChange(cluster);
                chunk.set(word(cluster), chunk.get(word(cluster)) & ~(1L << cluster));
            }
        }
    }

    private static int word(long cluster) {
        return (int) (cluster >>> 6) & (CHUNK_WORDS - 1);
    }

    private AtomicLongArray chunkToChange(long cluster) {
        int index = Math.toIntExact(cluster >>> CHUNK_BITS);
        if (index >= chunks.length()) {
            grow(index + 1);
        }
        AtomicLongArray chunk = chunks.get(index);
        if (chunk == null) {
            chunk = new AtomicLongArray(CHUNK_WORDS);
            chunks.set(index, chunk);
        }
        return chunk;
    }

    private void grow(int needed) {
        var old = chunks;
        var larger =
                new AtomicReferenceArray<@Nullable AtomicLongArray>(
                        Math.max(needed, 2 * old.length()));
        for (int i = 0; i < old.length(); i++) {
            larger.set(i, old.get(i));
        }
        chunks = larger;
    }
}
