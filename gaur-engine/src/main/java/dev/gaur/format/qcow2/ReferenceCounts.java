package dev.gaur.format.qcow2;

import java.util.Arrays;
import java.util.BitSet;

/**
 * How often each host cluster is referenced, counted in memory. Counts lie in chunks; a chunk that
 * nobody counts in has no memory, others start with one bit for each cluster and double their width
 * only when a count needs it: a terabyte of clusters of 64 KiB, each used once, takes 2 MiB.
 *
 * <p>Fields are packed into longs, so that counting a run of clusters adds to 64 bits at once. Not
 * safe for use by several threads.
 */
final class ReferenceCounts {
    /** Clusters in a chunk: small, so that a few wild references cost little. */
    static final int CHUNK = 1024;

    /** By width order: a one in every field of a long. */
    private static final long[] ONES = {
        -1L,
        0x5555_5555_5555_5555L,
        0x1111_1111_1111_1111L,
        0x0101_0101_0101_0101L,
        0x0001_0001_0001_0001L,
        0x0000_0001_0000_0001L,
        1L
    };

    private final int maxOrder;
    private long clusters;
    private long[][] chunks;
    private byte[] orders;
    private final BitSet shared = new BitSet();

    /**
     * @param clusters how many clusters there are to count; at most 2^31
     * @param refcountOrder the image's: counts stop where the image cannot store more
     */
    ReferenceCounts(long clusters, int refcountOrder) {
        this.maxOrder = refcountOrder;
        this.clusters = clusters;
        this.chunks = new long[chunkCount()][];
        this.orders = new byte[chunkCount()];
    }

    private ReferenceCounts(ReferenceCounts other) {
        this.maxOrder = other.maxOrder;
        this.clusters = other.clusters;
        this.chunks = other.chunks.clone();
        this.orders = other.orders.clone();
        shareAll();
    }

    private void shareAll() {
        shared.set(0, chunks.length);
    }

    /** Returns the counts as they are now; both copies share their chunks until they change. */
    ReferenceCounts fork() {
        shareAll();
        return new ReferenceCounts(this);
    }

    /** Returns a long with a one in every field of {@code 1 << order} bits. */
    static long ones(int order) {
        return ONES[order];
    }

    private int chunkCount() {
        return Math.toIntExact((clusters + CHUNK - 1) / CHUNK);
    }

    long clusters() {
        return clusters;
    }

    /** Makes room for clusters up to {@code newClusters}; never fewer than before. */
    void growTo(long newClusters) {
        clusters = Math.max(clusters, newClusters);
        if (chunkCount() > chunks.length) {
            chunks = Arrays.copyOf(chunks, chunkCount());
            orders = Arrays.copyOf(orders, chunkCount());
        }
    }

    /** Returns a count, as an unsigned number. */
    long get(long cluster) {
        int chunk = (int) (cluster / CHUNK);
        long[] fields = chunks[chunk];
        return fields == null ? 0 : get(fields, orders[chunk], (int) (cluster % CHUNK));
    }

    private static long get(long[] fields, int order, int index) {
        int bit = index << order;
        return fields[bit >>> 6] >>> bit & mask(order, 1);
    }

    /** Tells whether no cluster of a chunk was ever counted. */
    boolean isUnused(int chunk) {
        return chunks[chunk] == null;
    }

    /** Tells whether no cluster of a chunk is counted twice. */
    boolean isBinary(int chunk) {
        return chunks[chunk] == null || orders[chunk] == 0;
    }

    /** One bit for each of the {@code index}th 64 clusters of a chunk that {@link #isBinary}. */
    long bits(int chunk, int index) {
        long[] fields = chunks[chunk];
        return fields == null ? 0 : fields[index];
    }

    /**
     * Adds one to the counts of a run of clusters, from the first on.
     *
     * @return how many were counted: less than {@code count} if the next has reached the largest
     *     count that the image can store
     */
    long increment(long first, long count) {
        long done = 0;
        while (done < count) {
            int chunk = (int) ((first + done) / CHUNK);
            int from = (int) ((first + done) % CHUNK);
            int length = (int) Math.min(count - done, CHUNK - from);
            int counted = incrementInChunk(chunk, from, length);
            done += counted;
            if (counted < length) {
                return done;
            }
        }
        return done;
    }

    /**
     * Adds to the count of one cluster.
     *
     * @return how much could not be added, because the count reached the largest that the image can
     *     store
     */
    long add(long cluster, long times) {
        int chunk = (int) (cluster / CHUNK);
        int index = (int) (cluster % CHUNK);
        own(chunk);
        while (true) {
            int order = orders[chunk];
            long room = mask(order, 1) - get(chunks[chunk], order, index);
            boolean fits = Long.compareUnsigned(times, room) <= 0;
            if (fits || order == maxOrder) {
                long added = fits ? times : room;
                int bit = index << order;
                chunks[chunk][bit >>> 6] += added << bit;
                return times - added;
            }
            widen(chunk);
        }
    }

    /** Returns the highest cluster that is referenced, or -1. */
    long highest() {
        for (long cluster = clusters - 1; cluster >= 0; cluster--) {
            int chunk = (int) (cluster / CHUNK);
            if (chunks[chunk] == null) {
                cluster = (long) chunk * CHUNK;
            } else if (get(cluster) != 0) {
                return cluster;
            }
        }
        return -1;
    }

    /** Takes back one reference to a cluster, which must have been counted. */
    void decrement(long cluster) {
        int chunk = (int) (cluster / CHUNK);
        own(chunk);
        int bit = (int) (cluster % CHUNK) << orders[chunk];
        chunks[chunk][bit >>> 6] -= 1L << bit;
    }

    /** Tells whether no cluster from {@code first} up to {@code end} is referenced. */
    boolean areUnused(long first, long end) {
        for (long cluster = first; cluster < Math.min(end, clusters); ) {
            int chunk = (int) (cluster / CHUNK);
            long next = Math.min(end, (chunk + 1L) * CHUNK);
            if (chunks[chunk] != null && !areUnusedInChunk(cluster, Math.min(next, clusters))) {
                return false;
            }
            cluster = next;
        }
        return true;
    }

    private boolean areUnusedInChunk(long first, long end) {
        if (end - first == CHUNK) {
            long any = 0;
            for (long word : chunks[(int) (first / CHUNK)]) {
                any |= word;
            }
            return any == 0;
        }
        for (long cluster = first; cluster < end; cluster++) {
            if (get(cluster) != 0) {
                return false;
            }
        }
        return true;
    }

    /** Makes sure that a chunk is there and nobody else's. */
    private void own(int chunk) {
        if (chunks[chunk] == null) {
            chunks[chunk] = new long[CHUNK / Long.SIZE];
            shared.clear(chunk);
        } else if (shared.get(chunk)) {
            chunks[chunk] = chunks[chunk].clone();
            shared.clear(chunk);
        }
    }

    private int incrementInChunk(int chunk, int from, int length) {
        own(chunk);
        int done = 0;
        while (done < length) {
            int order = orders[chunk];
            int bit = (from + done) << order;
            int fields = Math.min((Long.SIZE - (bit & 63)) >>> order, length - done);
            long added = mask(order, fields) << bit;
            long[] words = chunks[chunk];
            if (!anyAtMaximum(words[bit >>> 6], order, added)) {
                words[bit >>> 6] += ONES[order] & added;
                done += fields;
            } else if (order < maxOrder) {
                widen(chunk);
            } else {
                return done + incrementWhileBelow(words, order, from + done);
            }
        }
        return done;
    }

    /** Whether a field that {@code added} covers is all ones. */
    private static boolean anyAtMaximum(long word, int order, long added) {
        long highs = ONES[order] << ((1 << order) - 1);
        // A field of ones is zero here, all others are not: the classic search for a zero field.
        long inverted = ~word | ~added;
        return (inverted - ONES[order] & ~inverted & highs) != 0;
    }

    /** Counts one after the other up to the one that is at the maximum. */
    private static int incrementWhileBelow(long[] words, int order, int from) {
        int done = 0;
        while (get(words, order, from + done) != mask(order, 1)) {
            int bit = (from + done) << order;
            words[bit >>> 6] += 1L << bit;
            done++;
        }
        return done;
    }

    /** Ones in the lowest {@code fields} fields. */
    private static long mask(int order, int fields) {
        return -1L >>> (Long.SIZE - (fields << order));
    }

    private void widen(int chunk) {
        int order = orders[chunk];
        long[] narrow = chunks[chunk];
        long[] wide = new long[narrow.length * 2];
        for (int i = 0; i < CHUNK; i++) {
            int bit = i << (order + 1);
            wide[bit >>> 6] |= get(narrow, order, i) << bit;
        }
        chunks[chunk] = wide;
        orders[chunk] = (byte) (order + 1);
    }
}
