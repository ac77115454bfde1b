package dev.gaur.format.qcow2;

import dev.gaur.mem.BufferPool;
import java.lang.foreign.MemorySegment;

/**
 * Corrects stored counts where they are, block by block. Only for blocks that are nothing else:
 * {@link RefcountScan#mustRebuild} says when they cannot be trusted to be.
 */
final class CountRepair {
    private final MetadataReader reader;
    private final MetadataWriter writer;
    private final Geometry geometry;
    private final DiskCounts disk;
    private final ReferenceCounts counts;
    private final CheckLog log;
    private final MemorySegment block;

    CountRepair(
            MetadataReader reader,
            MetadataWriter writer,
            Geometry geometry,
            DiskCounts disk,
            ReferenceCounts counts,
            CheckLog log) {
        this.reader = reader;
        this.writer = writer;
        this.geometry = geometry;
        this.disk = disk;
        this.counts = counts;
        this.log = log;
        this.block = BufferPool.allocate(geometry.clusterSize());
    }

    /** Raises all counts that are too low. Harms nothing, whatever else is wrong. */
    void raise() {
        eachBlock(true);
    }

    /** Lowers all counts that are too high, once no pointer on disk is in the way (Q3). */
    void lower() {
        eachBlock(false);
    }

    private void eachBlock(boolean raise) {
        int perBlock = geometry.refcountsPerBlock();
        for (long first = 0; first < counts.clusters(); first += perBlock) {
            if (!isEqual(first, Math.min(first + perBlock, counts.clusters()))) {
                log.stopIfCancelled();
                correct(first, Math.min(perBlock, counts.clusters() - first), raise);
            }
            log.listener().progress(first, counts.clusters());
        }
    }

    /**
     * Ends all counts behind what was counted: of clusters that the file had, or was to have, when
     * it stopped. Who makes it longer again would never give them back.
     */
    void endBehind() {
        int perBlock = geometry.refcountsPerBlock();
        long behind = counts.clusters() / perBlock * perBlock;
        for (long first = behind; first < disk.countable(); first += perBlock) {
            log.stopIfCancelled();
            correct(first, perBlock, false);
        }
    }

    private boolean isEqual(long first, long end) {
        for (long cluster = first; cluster < end; cluster += ReferenceCounts.CHUNK) {
            if (!disk.isEqual(counts, (int) (cluster / ReferenceCounts.CHUNK))) {
                return false;
            }
        }
        return true;
    }

    /** Corrects the first counts of a block and writes the sectors that have changed. */
    private void correct(long first, long count, boolean raise) {
        long offset = disk.offsetOfBlock(first);
        if (offset == 0) {
            return; // All its counts are zero: nothing to lower, and nothing was to be raised.
        }
        block.copyFrom(reader.read(offset, geometry.clusterSize()));
        int order = geometry.refcountOrder();
        int firstChanged = -1;
        int lastChanged = -1;
        for (int i = 0; i < count; i++) {
            long found = first + i < counts.clusters() ? counts.get(first + i) : 0;
            int comparison = Long.compareUnsigned(RefcountBlock.get(block, order, i), found);
            if (raise ? comparison < 0 : comparison > 0) {
                RefcountBlock.set(block, order, i, found);
                firstChanged = firstChanged < 0 ? i : firstChanged;
                lastChanged = i;
            }
        }
        if (firstChanged >= 0) {
            long from = sector(firstChanged);
            long to = sector(lastChanged) + Geometry.SECTOR;
            writer.write(offset + from, block.asSlice(from, to - from));
            disk.update(first, block);
        }
    }

    /** Where in a block the sector begins that holds a count. */
    private long sector(int index) {
        return ((long) index << geometry.refcountOrder()) / Byte.SIZE & -Geometry.SECTOR;
    }
}
