package dev.gaur.format.qcow2;

/**
 * Which bytes around a write have to be copied so that every subcluster it touches is whole.
 * Offsets are guest bytes; {@code from <= writeFrom < writeEnd <= end}.
 *
 * @param from where the copied head begins
 * @param writeFrom where the new bytes begin
 * @param writeEnd where they end
 * @param end where the copied tail ends
 */
record CowPlan(long from, long writeFrom, long writeEnd, long end) {

    /** Plans a write to a part of one cluster. */
    static CowPlan of(Geometry geometry, ClusterState old, long writeFrom, long writeEnd) {
        long cluster = geometry.alignDown(writeFrom);
        int size = geometry.subclusterSize();
        int first = geometry.subclusterIndex(writeFrom);
        int last = geometry.subclusterIndex(writeEnd - 1);
        if (old.compressed()) {
            first = 0;
            last = geometry.subclusters() - 1;
        } else if (!old.isReusable() && old.allocated() != 0) {
            // The old place is shared: what lies there moves along.
            first = Math.min(first, Integer.numberOfTrailingZeros(old.allocated()));
            last = Math.max(last, 31 - Integer.numberOfLeadingZeros(old.allocated()));
        }
        long from = cluster + (long) first * size;
        long end = cluster + (long) (last + 1) * size;
        boolean stays = old.isReusable();
        return new CowPlan(
                stays && old.isAllocated(first) ? Math.max(from, writeFrom) : from,
                writeFrom,
                writeEnd,
                stays && old.isAllocated(last) ? Math.min(end, writeEnd) : end);
    }

    /** The same for a write to several clusters, whose first and last it may touch in part. */
    static CowPlan of(
            Geometry geometry, ClusterState first, ClusterState last, long from, long end) {
        long firstEnd = geometry.alignDown(from) + geometry.clusterSize();
        if (end <= firstEnd) {
            return of(geometry, first, from, end);
        }
        CowPlan head = of(geometry, first, from, firstEnd);
        CowPlan tail = of(geometry, last, geometry.alignDown(end - 1), end);
        return new CowPlan(head.from, from, end, tail.end);
    }

    /** The same without what would be copied behind an offset. */
    CowPlan endingBy(long most) {
        return new CowPlan(from, writeFrom, writeEnd, Math.min(end, Math.max(writeEnd, most)));
    }

    long length() {
        return end - from;
    }

    boolean copiesNothing() {
        return from == writeFrom && end == writeEnd;
    }

    /** A bit for each subcluster of a cluster that is whole after the write. */
    int wholeSubclusters(Geometry geometry, long clusterStart) {
        long start = Math.max(from, clusterStart);
        long stop = Math.min(end, clusterStart + geometry.clusterSize());
        int size = geometry.subclusterSize();
        // What was there already is left out of the plan, but within the same subcluster.
        int first = (int) ((start - clusterStart) / size);
        int last = (int) ((stop - 1 - clusterStart) / size);
        return (-1 >>> (31 - (last - first))) << first;
    }
}
