package dev.gaur.format.qcow2;

import dev.gaur.format.qcow2.CheckLog.Place;
import java.util.function.LongFunction;

/**
 * Counts regions of the file as referenced, and finds those that lie behind its end or that are
 * referenced more often than a count can say.
 */
final class ReferenceCounter {
    private final Geometry geometry;
    private final ReferenceCounts counts;
    private final long fileLength;
    private final CheckLog log;

    ReferenceCounter(Geometry geometry, ReferenceCounts counts, long fileLength, CheckLog log) {
        this.geometry = geometry;
        this.counts = counts;
        this.fileLength = fileLength;
        this.log = log;
    }

    /** How many clusters from an aligned offset on begin in the file. */
    long clustersFrom(long hostOffset) {
        return hostOffset >= fileLength ? 0 : geometry.clustersFor(fileLength - hostOffset);
    }

    /**
     * Counts all clusters that a region touches, one reference each.
     *
     * @param length bytes; nothing happens if it is not positive
     * @param place what the reference to a cluster, given by number, belongs to
     */
    void count(long hostOffset, long length, LongFunction<Place> place) {
        if (length <= 0) {
            return;
        }
        // A file may end within its last cluster, so a region may end behind it, but not by a
        // cluster.
        boolean legal = hostOffset >= 0 && hostOffset <= Long.MAX_VALUE - length;
        if (!legal || hostOffset + length - fileLength >= geometry.clusterSize()) {
            log.corruption(
                    place.apply(geometry.clusterIndex(hostOffset)),
                    "ERROR: counting reference for region exceeding the end of the file by one"
                            + " cluster or more: offset 0x%x size 0x%x"
                                    .formatted(hostOffset, length));
            return;
        }
        long first = geometry.clusterIndex(hostOffset);
        long end = geometry.clusterIndex(hostOffset + length - 1) + 1;
        counts.growTo(end);
        countClusters(first, end - first, place);
    }

    /** Counts clusters of the file once each. */
    void countClusters(long first, long count, LongFunction<Place> place) {
        long cluster = first;
        while (true) {
            cluster += counts.increment(cluster, first + count - cluster);
            if (cluster == first + count) {
                return;
            }
            log.corruption(
                    place.apply(cluster),
                    "ERROR: overflow cluster offset=0x%x\n"
                                    .formatted(geometry.clusterOffset(cluster))
                            + "Use qemu-img amend to increase the refcount entry width or"
                            + " qemu-img convert to create a clean copy if the image cannot be"
                            + " opened for writing");
            cluster++;
        }
    }
}
