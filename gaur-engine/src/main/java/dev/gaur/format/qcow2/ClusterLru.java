package dev.gaur.format.qcow2;

import java.util.LinkedHashMap;
import org.jspecify.annotations.Nullable;

/**
 * The clusters that were decompressed last, by the host offset of their streams.
 *
 * <p>Locks: its own monitor, for the look-up only; the arrays are never changed.
 */
final class ClusterLru {
    /** 64 clusters of the usual size. */
    private static final int BYTES_MAX = 4 << 20;

    /** Also of the largest: reads that alternate between two places should not suffer. */
    private static final int CLUSTERS_MIN = 2;

    private final int clustersMax;
    private final LinkedHashMap<Long, byte[]> clusters = new LinkedHashMap<>(16, 0.75f, true);

    ClusterLru(int clusterSize) {
        this.clustersMax = Math.max(CLUSTERS_MIN, BYTES_MAX / clusterSize);
    }

    /** Returns a cluster's bytes, not to be changed, or null. */
    synchronized byte @Nullable [] get(long hostOffset) {
        return clusters.get(hostOffset);
    }

    /** Keeps a cluster. The array is the cache's from then on. */
    synchronized void put(long hostOffset, byte[] cluster) {
        clusters.put(hostOffset, cluster);
        if (clusters.size() > clustersMax) {
            clusters.pollFirstEntry();
        }
    }

    /** Forgets the cluster whose stream lay at an offset that another stream gets. */
    synchronized void remove(long hostOffset) {
        clusters.remove(hostOffset);
    }

    /** Forgets all. */
    synchronized void clear() {
        clusters.clear();
    }
}
