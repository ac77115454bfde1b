package dev.gaur.format.qcow2;

import dev.gaur.block.BlockException;

/**
 * Fills a map of free clusters from the refcount blocks, one by one, until it is known where all
 * that is used ends; and keeps clusters out of it that are not counted. For who holds the
 * allocator's lock.
 */
final class FreeSpace {
    private final FreeMap map;
    private final Refcounts refcounts;
    private final Geometry geometry;
    private final FileEnd end;
    private int scannedBlocks;
    private long tail = -1;

    /** Clusters that are not counted and yet not free. */
    private long heldFirst;

    private long heldEnd;

    FreeSpace(FreeMap map, Refcounts refcounts, Geometry geometry, FileEnd end) {
        this.map = map;
        this.refcounts = refcounts;
        this.geometry = geometry;
        this.end = end;
    }

    /** First cluster behind all that is used; -1 until all counts were looked at. */
    long tail() {
        return tail;
    }

    /** Says that more is used now. */
    void endAt(long cluster) {
        tail = cluster;
    }

    /**
     * Looks at the counts of one more block.
     *
     * @return whether it was the last one
     */
    boolean scanNext() {
        if (scannedBlocks < refcounts.blocksEnd()) {
            scanBlock();
        }
        if (scannedBlocks < refcounts.blocksEnd()) {
            return false;
        }
        tail = Math.max(map.end(), end.clusters());
        map.extend(tail);
        takeHeld();
        return true;
    }

    private void scanBlock() {
        int perBlock = geometry.refcountsPerBlock();
        long first = (long) scannedBlocks * perBlock;
        // A block that cannot be read must leave its clusters unknown, not free.
        boolean present = refcounts.blockOffset(scannedBlocks) != 0;
        CountBlock block = present ? refcounts.block(scannedBlocks) : null;
        map.extend(first + perBlock);
        if (block != null) {
            int at = block.nextOther(0, perBlock, 0);
            while (at < perBlock) {
                int stop = block.nextZero(at, perBlock);
                map.take(first + at, stop - at);
                at = block.nextOther(stop, perBlock, 0);
            }
        }
        takeHeld();
        scannedBlocks++;
    }

    // ---- clusters that somebody has without a count

    /** The first of those that are held. */
    long held() {
        return heldFirst;
    }

    /** Holds clusters that are not counted; none are held yet. */
    void hold(long first, long clusters) {
        heldFirst = first;
        heldEnd = first + clusters;
        takeHeld();
    }

    private void takeHeld() {
        map.take(heldFirst, Math.max(0, Math.min(heldEnd, map.known()) - heldFirst));
    }

    /** Holds clusters behind the end of the file without a look at all counts, if it can. */
    boolean holdBehindFile(long clusters) {
        long first = end.clusters();
        boolean can = isFree(first, clusters) && mayGrow(first + clusters);
        if (can) {
            hold(first, clusters);
        }
        return can;
    }

    private boolean isFree(long first, long clusters) {
        for (long each = first; each < first + clusters; each++) {
            if (refcounts.get(each) != 0 || (each < map.known() && map.isTaken(each))) {
                return false;
            }
        }
        return true;
    }

    private boolean mayGrow(long endCluster) {
        try {
            end.grow(endCluster);
            return true;
        } catch (BlockException.Media _) {
            return false;
        }
    }

    /** Holds clusters where they are free, or at the end; all counts are known. */
    boolean holdAnywhere(long clusters) {
        long first = map.findRun(clusters, tail);
        if (first < 0) {
            if (!mayGrow(tail + clusters)) {
                return false;
            }
            first = tail;
            tail += clusters;
            map.extend(tail);
        }
        hold(first, clusters);
        return true;
    }

    /** Gives back what is held. */
    void release() {
        long known = Math.min(heldEnd, map.known());
        if (known > heldFirst) {
            map.free(heldFirst, known - heldFirst);
        }
        heldFirst = 0;
        heldEnd = 0;
    }
}
