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
    private long overflows;
    private long growthMax = Long.MAX_VALUE;
    private long beyondEnd;

    ReferenceCounter(Geometry geometry, ReferenceCounts counts, long fileLength, CheckLog log) {
        this.geometry = geometry;
        this.counts = counts;
        this.fileLength = fileLength;
        this.log = log;
    }

    /** How many references are more than a count can say. */
    long overflows() {
        return overflows;
    }

    /**
     * How long the file may become, with its length rounded up to sectors, before something that is
     * referenced behind its end begins to count as a part of it.
     */
    long growthMax() {
        return growthMax;
    }

    /** Where the last that is referenced behind the end of the file would end, or 0. */
    long beyondEnd() {
        return beyondEnd;
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
     * @return false if the region lies behind the end of the file
     */
    boolean count(long hostOffset, long length, LongFunction<Place> place) {
        return count(hostOffset, length, 1, place);
    }

    /** The same for a region that is referenced so many times. */
    boolean count(long hostOffset, long length, long times, LongFunction<Place> place) {
        if (length <= 0) {
            return true;
        }
        // A file may end within its last cluster, so a region may end behind it, but not by a
        // cluster.
        boolean legal = hostOffset >= 0 && hostOffset <= Long.MAX_VALUE - length;
        if (legal && isBehindEnd(hostOffset + length)) {
            growthMax = Math.min(growthMax, hostOffset + length - geometry.clusterSize());
            beyondEnd = Math.max(beyondEnd, hostOffset + length);
        }
        if (!legal || isBehindEnd(hostOffset + length)) {
            log.corruption(
                    place.apply(geometry.clusterIndex(hostOffset)),
                    "ERROR: counting reference for region exceeding the end of the file by one"
                            + " cluster or more: offset 0x%x size 0x%x"
                                    .formatted(hostOffset, length),
                    times);
            return false;
        }
        long first = geometry.clusterIndex(hostOffset);
        long end = geometry.clusterIndex(hostOffset + length - 1) + 1;
        counts.growTo(end);
        countClusters(first, end - first, times, place);
        return true;
    }

    private boolean isBehindEnd(long end) {
        return end - fileLength >= geometry.clusterSize();
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
        overflows += times;
        log.corruption(
                place.apply(cluster),
                "ERROR: overflow cluster offset=0x%x\n".formatted(geometry.clusterOffset(cluster))
                        + "Use qemu-img amend to increase the refcount entry width or"
                        + " qemu-img convert to create a clean copy if the image cannot be"
                        + " opened for writing",
                times);
    }
}
