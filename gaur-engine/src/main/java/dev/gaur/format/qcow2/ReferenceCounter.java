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
        count(hostOffset, length, 1, place);
    }

    /** The same for a region that is referenced so many times. */
    void count(long hostOffset, long length, long times, LongFunction<Place> place) {
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
                                    .formatted(hostOffset, length),
                    times);
            return;
        }
        long first = geometry.clusterIndex(hostOffset);
        long end = geometry.clusterIndex(hostOffset + length - 1) + 1;
        counts.growTo(end);
        countClusters(first, end - first, times, place);
    }

    /** Counts clusters of the file, each so many times. */
    void countClusters(long first, long count, long times, LongFunction<Place> place) {
        if (times == 1) {
            countOnce(first, count, place);
            return;
        }
        for (long cluster = first; cluster < first + count; cluster++) {
            long tooMany = counts.add(cluster, times);
            if (tooMany != 0) {
                overflow(cluster, tooMany, place);
            }
        }
    }

    private void countOnce(long first, long count, LongFunction<Place> place) {
        long cluster = first;
        while (true) {
            cluster += counts.increment(cluster, first + count - cluster);
            if (cluster == first + count) {
                return;
            }
            overflow(cluster, 1, place);
            cluster++;
        }
    }

    private void overflow(long cluster, long times, LongFunction<Place> place) {
        log.corruption(
                place.apply(cluster),
                "ERROR: overflow cluster offset=0x%x\n".formatted(geometry.clusterOffset(cluster))
                        + "Use qemu-img amend to increase the refcount entry width or"
                        + " qemu-img convert to create a clean copy if the image cannot be"
                        + " opened for writing",
                times);
    }
}
