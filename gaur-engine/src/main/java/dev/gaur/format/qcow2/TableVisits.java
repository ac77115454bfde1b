package dev.gaur.format.qcow2;

/**
 * Bounds a walk over the L2 tables that L1 entries name: an image may name one table millions of
 * times. Each table is looked at when it is first named, and again until the bytes of an allowance
 * are spent, so that findings come in the order of the entries; what is named after that is only
 * counted, to be looked at once for all of those times at the end. So the work is bounded by the
 * sizes of the file and of the L1 tables.
 *
 * <p>Tables that begin within a cluster overlap each other without an end: these are looked at as
 * long as an allowance of their own lasts, and then no more. Not safe for use by several threads.
 */
final class TableVisits {
    /** What to do with a table that was named. */
    enum Turn {
        /** Look at it. */
        NOW,
        /** Leave it for {@link #forEachLater}. */
        LATER,
        /** Nothing: it lies behind the end of the file, where all entries are zero. */
        NOTHING,
        /** Do without: too much was looked at that no sound image has. */
        TOO_MUCH
    }

    /** Gets the tables that were left. */
    @FunctionalInterface
    interface Visitor {
        void visit(long tableOffset, long times);
    }

    /** What is looked at a second time at most, in bytes. */
    static final long ALLOWANCE = 64 << 20;

    /** Times are counted in 64 bits. */
    private static final int WIDEST = 6;

    private final Geometry geometry;
    private final long fileLength;
    private final ReferenceCounts seen;
    private final ReferenceCounts later;
    private long again = ALLOWANCE;
    private long unaligned = ALLOWANCE;

    TableVisits(Geometry geometry, long fileLength) {
        this.geometry = geometry;
        this.fileLength = fileLength;
        long clusters = geometry.clustersFor(fileLength);
        this.seen = new ReferenceCounts(clusters, 0);
        this.later = new ReferenceCounts(clusters, WIDEST);
    }

    /** Says what to do with a table that an entry names. */
    Turn turn(long tableOffset) {
        if (tableOffset >= fileLength) {
            return Turn.NOTHING;
        }
        if (!geometry.isAligned(tableOffset)) {
            unaligned -= geometry.clusterSize();
            return unaligned >= 0 ? Turn.NOW : Turn.TOO_MUCH;
        }
        long cluster = geometry.clusterIndex(tableOffset);
        boolean isFirst = seen.increment(cluster, 1) == 1;
        if (isFirst || again >= geometry.clusterSize()) {
            again -= isFirst ? 0 : geometry.clusterSize();
            return Turn.NOW;
        }
        later.increment(cluster, 1);
        return Turn.LATER;
    }

    /** Hands out each table that was left, with how many times it was. */
    void forEachLater(Visitor visitor) {
        for (long first = 0; first < later.clusters(); first += ReferenceCounts.CHUNK) {
            if (later.isUnused((int) (first / ReferenceCounts.CHUNK))) {
                continue;
            }
            long end = Math.min(first + ReferenceCounts.CHUNK, later.clusters());
            for (long cluster = first; cluster < end; cluster++) {
                if (later.get(cluster) != 0) {
                    visitor.visit(geometry.clusterOffset(cluster), later.get(cluster));
                }
            }
        }
    }
}
