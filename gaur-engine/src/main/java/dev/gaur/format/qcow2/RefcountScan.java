package dev.gaur.format.qcow2;

import dev.gaur.block.BlockException;
import dev.gaur.format.qcow2.CheckLog.Place;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Checks the refcount table, counts its blocks, and compares what was counted with what is stored.
 */
final class RefcountScan {
    /** How many wrong counts are held back to find out whose clusters they are. */
    private static final int EXPLAINED_MAX = 1 << 16;

    /**
     * A cluster whose stored count is not the number of references found.
     *
     * @param unreadable why the stored count is unknown, null if it is known
     */
    private record Mismatch(
            long cluster, long stored, long found, @Nullable BlockException unreadable) {}

    private final Geometry geometry;
    private final long[] table;
    private final ReferenceCounts counts;
    private final DiskCounts disk;
    private final CheckLog log;
    private final GuestUse guestUse;
    private final List<Mismatch> held = new ArrayList<>();
    private boolean holding = true;
    private boolean corruptionReported;
    private long highestCluster;
    private boolean structureBroken;
    private boolean blockOutside;
    private boolean countLost;
    private boolean differing;
    private boolean mayRaise;
    private boolean mayLower;

    RefcountScan(
            Geometry geometry,
            long[] table,
            ReferenceCounts counts,
            DiskCounts disk,
            GuestUse guestUse,
            CheckLog log) {
        this.geometry = geometry;
        this.table = table;
        this.counts = counts;
        this.disk = disk;
        this.guestUse = guestUse;
        this.log = log;
    }

    /** The highest cluster that is counted or referenced; known after {@link #compare}. */
    long highestCluster() {
        return highestCluster;
    }

    /** Whether the structures cannot be repaired in place: what they say is not to be relied on. */
    boolean mustRebuild() {
        return structureBroken || countLost;
    }

    /** Whether the table names a block behind the end of the file. */
    boolean isBlockOutside() {
        return blockOutside;
    }

    /** Whether any count is wrong; known after {@link #compare}. */
    boolean isDiffering() {
        return differing;
    }

    /** Counts the refcount blocks, which must be the last to be counted. */
    void countBlocks(ReferenceCounter counter) {
        for (int i = 0; i < table.length; i++) {
            if (table[i] != 0) {
                countBlock(i, counter);
            }
        }
    }

    private void countBlock(int index, ReferenceCounter counter) {
        long offset = table[index] & RefcountBlock.OFFSET_MASK;
        long cluster = geometry.clusterIndex(offset);
        Place place = Place.of("refcount table entry " + index, offset);
        long overflows = counter.overflows();
        if ((table[index] & RefcountBlock.RESERVED) != 0) {
            structureBroken = true;
            log.corruption(
                    place, "ERROR refcount table entry %d has reserved bits set".formatted(index));
        } else if (!geometry.isAligned(offset)) {
            structureBroken = true;
            log.corruption(
                    place,
                    "ERROR refcount block %d is not cluster aligned; refcount table entry corrupted"
                            .formatted(index));
        } else if (cluster >= counts.clusters()) {
            blockOutside = true;
            log.corruption(place, "ERROR refcount block %d is outside image".formatted(index));
        } else {
            counter.count(offset, geometry.clusterSize(), _ -> place);
            long count = counts.get(cluster);
            structureBroken |= count != 1 || counter.overflows() != overflows;
            if (count != 1) {
                log.corruption(
                        place,
                        "ERROR refcount block %d refcount=%s"
                                .formatted(index, Long.toUnsignedString(count)));
            }
        }
    }

    /** Compares all counts. */
    void compare() {
        compareAll();
        releaseHeld();
    }

    /**
     * Compares all counts once more, and says which are being repaired.
     *
     * @param raise whether counts that are too low are
     * @param lower whether counts that are too high are
     */
    void announceRepair(boolean raise, boolean lower) {
        mayRaise = raise;
        mayLower = lower;
        compareAll();
    }

    private void compareAll() {
        for (long first = 0; first < counts.clusters(); first += ReferenceCounts.CHUNK) {
            int chunk = (int) (first / ReferenceCounts.CHUNK);
            if (!isEqual(chunk)) {
                long end = Math.min(first + ReferenceCounts.CHUNK, counts.clusters());
                for (long cluster = first; cluster < end; cluster++) {
                    compare(cluster);
                }
            }
        }
    }

    /** The quick way: where no count is above one, the bits are equal. */
    private boolean isEqual(int chunk) {
        if (!disk.isEqual(counts, chunk)) {
            return false;
        }
        for (int i = ReferenceCounts.CHUNK / Long.SIZE - 1; i >= 0; i--) {
            long bits = counts.bits(chunk, i);
            if (bits != 0) {
                long inChunk = (long) i * Long.SIZE + 63 - Long.numberOfLeadingZeros(bits);
                highestCluster = (long) chunk * ReferenceCounts.CHUNK + inChunk;
                return true;
            }
        }
        return true;
    }

    private void compare(long cluster) {
        long found = counts.get(cluster);
        try {
            long stored = disk.get(cluster);
            if (stored != 0 || found != 0) {
                highestCluster = cluster;
            }
            if (stored != found) {
                differing = true;
                countLost |= stored == 0;
                hold(new Mismatch(cluster, stored, found, null));
            }
        } catch (BlockException unreadable) {
            hold(new Mismatch(cluster, 0, 0, unreadable));
        }
    }

    private void hold(Mismatch mismatch) {
        if (!holding) {
            report(mismatch, guestUse.place(mismatch.cluster(), -1));
            return;
        }
        held.add(mismatch);
        if (held.size() == EXPLAINED_MAX) {
            releaseHeld();
        }
    }

    private void releaseHeld() {
        holding = false;
        long[] used =
                held.stream()
                        .filter(each -> each.found() != 0)
                        .mapToLong(Mismatch::cluster)
                        .toArray();
        guestUse.find(used);
        for (Mismatch each : held) {
            long offset = geometry.clusterOffset(each.cluster());
            report(each, guestUse.place(each.cluster(), offset));
        }
        held.clear();
    }

    private void report(Mismatch mismatch, Place place) {
        BlockException unreadable = mismatch.unreadable();
        if (unreadable != null) {
            String text =
                    "Can't get refcount for cluster %d: Input/output error"
                            .formatted(mismatch.cluster());
            log.checkError(place, firstCorruption(unreadable) + text);
            return;
        }
        boolean lost = Long.compareUnsigned(mismatch.stored(), mismatch.found()) < 0;
        boolean repaired = lost ? mayRaise : mayLower;
        String text =
                "%s cluster %d refcount=%s reference=%s"
                        .formatted(
                                repaired ? "Repairing" : lost ? "ERROR" : "Leaked",
                                mismatch.cluster(),
                                Long.toUnsignedString(mismatch.stored()),
                                Long.toUnsignedString(mismatch.found()));
        if (lost && repaired) {
            log.repairCorruption(place, text);
        } else if (lost) {
            log.corruption(place, text);
        } else if (repaired) {
            log.repairLeak(place, text);
        } else {
            log.leak(place, text);
        }
    }

    /** QEMU says of the first illegal block offset that it is one, and of no other. */
    private String firstCorruption(BlockException unreadable) {
        if (corruptionReported || !(unreadable instanceof BlockException.Corrupt)) {
            return "";
        }
        corruptionReported = true;
        return "qcow2: Image is corrupt: "
                + unreadable.found()
                + "; further non-fatal corruption events will be suppressed\n";
    }
}
