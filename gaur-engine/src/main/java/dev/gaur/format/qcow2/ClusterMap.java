package dev.gaur.format.qcow2;

import dev.gaur.block.BlockException;
import dev.gaur.block.Extent;
import dev.gaur.format.qcow2.L2Entry.Kind;
import org.jspecify.annotations.Nullable;

/**
 * Finds where guest bytes are stored, and checks what the tables say on the way. Has no state of
 * its own but the cache; safe for many threads.
 *
 * <p>Source: the specification, "Cluster mapping", "Extended L2 Entries"; which entries are refused
 * is as in QEMU.
 */
final class ClusterMap {
    /** What {@link #dataInMemory} says of a cluster that the next layer has, if any. */
    static final long BELOW = -2;

    private final String image;
    private final Geometry geometry;
    private final MappingTables tables;
    private final TableCache cache;
    private final boolean hasZeroClusters;
    private final boolean hasDataFile;

    /** Bits of an entry that are none of a cluster's place; without COPIED. */
    private final long notPlace;

    /**
     * @param image the name for messages
     * @param cache of the slices that {@code tables} loads
     */
    ClusterMap(String image, Header header, MappingTables tables, TableCache cache) {
        this.image = image;
        this.geometry = header.geometry();
        this.tables = tables;
        this.cache = cache;
        this.hasZeroClusters = header.version() >= 3;
        this.hasDataFile = header.has(Header.DATA_FILE);
        this.notPlace = ~L2Entry.OFFSET_MASK | geometry.clusterSize() - 1;
    }

    /**
     * Finds the longest run from {@code guestOffset} on; loads slices as it needs.
     *
     * @param length how much is asked for, at least one byte
     * @throws BlockException.Corrupt if an entry in the range is illegal
     */
    Run find(long guestOffset, long length) {
        TableSlice slice = cache.get(geometry.sliceNumber(guestOffset));
        Run run = runIn(slice, guestOffset, length);
        while (run.length() < length && geometry.sliceIndex(run.end()) == 0) {
            TableSlice nextSlice = cache.get(geometry.sliceNumber(run.end()));
            Run next = runIn(nextSlice, run.end(), length - run.length());
            if (!run.isContinuedBy(next)) {
                break;
            }
            run = run.withLength(run.length() + next.length());
        }
        return run;
    }

    /** Finds a run from what is in memory; null if that does not tell. Never blocks. */
    @Nullable Run findInMemory(long guestOffset, long length) {
        TableSlice slice = cache.getIfPresent(geometry.sliceNumber(guestOffset));
        return slice == null ? null : runIn(slice, guestOffset, length);
    }

    /**
     * Finds how much from {@code guestOffset} on can be written in place: it is stored plainly in
     * clusters that belong to nobody else. Loads the slice if it must.
     *
     * @return where, within one slice; of length 0 if the first byte cannot
     */
    Run findInPlace(long guestOffset, long length) {
        return inPlace(cache.get(geometry.sliceNumber(guestOffset)), guestOffset, length);
    }

    /** The same from what is in memory; null if that does not tell. Never blocks. */
    @Nullable Run findInPlaceInMemory(long guestOffset, long length) {
        TableSlice slice = cache.getIfPresent(geometry.sliceNumber(guestOffset));
        return slice == null ? null : inPlace(slice, guestOffset, length);
    }

    private Run inPlace(TableSlice slice, long guestOffset, long length) {
        int index = geometry.sliceIndex(guestOffset);
        Run run = runIn(slice, guestOffset, length);
        if (run.kind() != Kind.NORMAL || !L2Entry.isCopied(slice.entry(index))) {
            return run.withLength(0);
        }
        if (slice.isSequence()) {
            return run;
        }
        long end = geometry.alignDown(guestOffset) + geometry.clusterSize();
        while (end < run.end() && L2Entry.isCopied(slice.entry(++index))) {
            end += geometry.clusterSize();
        }
        return run.withLength(Math.min(run.end(), end) - guestOffset);
    }

    /** Tells whether there is a table for the cluster at an offset. */
    boolean hasTable(long guestOffset) {
        return tables.tableOffset(Math.toIntExact(geometry.l1Index(guestOffset))) != 0;
    }

    /** Returns what the entry of the cluster at an offset says, checked. */
    ClusterState state(long guestOffset) {
        long clusterStart = geometry.alignDown(guestOffset);
        TableSlice slice = cache.get(geometry.sliceNumber(guestOffset));
        int index = geometry.sliceIndex(guestOffset);
        long entry = slice.entry(index);
        Kind kind = kind(slice, index, 0, clusterStart);
        if (kind == Kind.COMPRESSED) {
            return new ClusterState(entry, true, false, false, 0, 0);
        }
        boolean placed = isPlaced(entry);
        boolean copied = L2Entry.isCopied(entry);
        if (geometry.extendedL2()) {
            long bitmap = slice.bitmap(index);
            int zeros = (int) (bitmap >>> Geometry.SUBCLUSTERS);
            return new ClusterState(entry, false, placed, copied, (int) bitmap, zeros);
        }
        int zeros = kind == Kind.ZERO_PLAIN || kind == Kind.ZERO_ALLOCATED ? 1 : 0;
        return new ClusterState(entry, false, placed, copied, kind == Kind.NORMAL ? 1 : 0, zeros);
    }

    /**
     * The quick answer for a small read: where its bytes lie, if they are data in one cluster, all
     * of it allocated, and the table is in memory. Makes no object and never blocks.
     *
     * @return {@link #BELOW} if the layer has no entry for the cluster; {@link Extent#NOWHERE} if
     *     it is otherwise or not legal: {@link #find} tells
     */
    long dataInMemory(long guestOffset, long length) {
        int offsetInCluster = geometry.offsetInCluster(guestOffset);
        boolean inOneCluster = length > 0 && length <= geometry.clusterSize() - offsetInCluster;
        if (!inOneCluster || hasDataFile) {
            return Extent.NOWHERE;
        }
        long number = geometry.sliceNumber(guestOffset);
        int index = geometry.sliceIndex(guestOffset);
        long place = cache.placeIfPresent(number);
        if (place != 0) {
            return place + geometry.clusterOffset(index) + offsetInCluster;
        }
        TableSlice slice = cache.getIfPresent(number);
        if (slice == null) {
            return Extent.NOWHERE;
        }
        long entry = slice.entry(index);
        if (entry == 0 && (!geometry.extendedL2() || slice.bitmap(index) == 0)) {
            return BELOW;
        }
        long hostOffset = entry & ~L2Entry.COPIED;
        boolean plain = hostOffset != 0 && (hostOffset & notPlace) == 0;
        if (!plain
                || (geometry.extendedL2()
                        && slice.bitmap(index) != L2Entry.ALL_SUBCLUSTERS_ALLOCATED)) {
            return Extent.NOWHERE;
        }
        return hostOffset + offsetInCluster;
    }

    /** The longest run that this slice alone tells. */
    private Run runIn(TableSlice slice, long guestOffset, long length) {
        int index = geometry.sliceIndex(guestOffset);
        int subcluster = geometry.subclusterIndex(guestOffset);
        long clusterStart = geometry.alignDown(guestOffset);
        Kind kind = kind(slice, index, subcluster, clusterStart);
        if (kind == Kind.COMPRESSED) {
            return compressed(slice.entry(index), guestOffset, length);
        }
        boolean placed = isPlaced(slice.entry(index));
        long hostStart = placed ? L2Entry.hostOffset(slice.entry(index)) : Extent.NOWHERE;
        int same = subcluster + same(slice, index, subcluster);
        long end = clusterStart + (long) same * geometry.subclusterSize();
        if (same == geometry.subclusters()) {
            end = endInSlice(slice, index, kind, clusterStart, guestOffset + length);
        }
        return new Run(
                kind,
                guestOffset,
                Math.min(end - guestOffset, length),
                placed ? hostStart + geometry.offsetInCluster(guestOffset) : hostStart,
                0);
    }

    private Run compressed(long entry, long guestOffset, long length) {
        int clusterBits = geometry.clusterBits();
        return new Run(
                Kind.COMPRESSED,
                guestOffset,
                Math.min(length, geometry.clusterSize() - geometry.offsetInCluster(guestOffset)),
                L2Entry.compressedOffset(entry, clusterBits),
                L2Entry.compressedBytes(entry, clusterBits));
    }

    /** Where a run ends that goes on at least to the end of the cluster at {@code index}. */
    private long endInSlice(
            TableSlice slice, int index, Kind kind, long clusterStart, long wantedEnd) {
        int clusterSize = geometry.clusterSize();
        int entries = geometry.sliceEntries();
        boolean placed = isPlaced(slice.entry(index));
        long hostStart = L2Entry.hostOffset(slice.entry(index));
        int next = followUntil(slice, index, placed);
        long end = clusterStart + (long) (next - index) * clusterSize;
        while (next < entries && end < wantedEnd) {
            boolean follows =
                    kind(slice, next, 0, end) == kind
                            && isPlaced(slice.entry(next)) == placed
                            && (!placed
                                    || L2Entry.hostOffset(slice.entry(next))
                                            == hostStart + (end - clusterStart));
            int same = follows ? same(slice, next, 0) : 0;
            if (same != geometry.subclusters()) {
                return end + (long) same * geometry.subclusterSize();
            }
            int after = followUntil(slice, next, placed);
            end += (long) (after - next) * clusterSize;
            next = after;
        }
        return end;
    }

    /** Up to where whole clusters go on as the one at an index, as far as the slice knows. */
    private int followUntil(TableSlice slice, int index, boolean placed) {
        return same(slice, index, 0) == geometry.subclusters()
                ? slice.followUntil(index, placed, geometry.sliceEntries())
                : index + 1;
    }

    /** Whether a standard entry gives its cluster a place in the file. */
    private boolean isPlaced(long entry) {
        return switch (L2Entry.kind(entry, geometry.extendedL2(), hasDataFile)) {
            case NORMAL, ZERO_ALLOCATED -> true;
            case UNALLOCATED, ZERO_PLAIN, COMPRESSED -> false;
        };
    }

    /** How many subclusters from one on are of its kind; 1 where there are none. */
    private int same(TableSlice slice, int index, int subcluster) {
        return geometry.extendedL2() ? L2Entry.sameSubclusters(slice.bitmap(index), subcluster) : 1;
    }

    /** Classifies an entry after checking it, or the subcluster of an extended one. */
    private Kind kind(TableSlice slice, int index, int subcluster, long clusterStart) {
        long entry = slice.entry(index);
        Kind kind = L2Entry.kind(entry, geometry.extendedL2(), hasDataFile);
        switch (kind) {
            case UNALLOCATED -> {}
            case NORMAL -> checkPlace(entry, clusterStart);
            case ZERO_PLAIN -> checkVersion(entry, clusterStart);
            case ZERO_ALLOCATED -> {
                checkVersion(entry, clusterStart);
                checkPlace(entry, clusterStart);
            }
            case COMPRESSED -> {
                if (hasDataFile) {
                    throw corrupt(entry, clusterStart, "is compressed, with external data file");
                }
                return kind;
            }
        }
        return geometry.extendedL2()
                ? subclusterKind(slice, index, subcluster, clusterStart)
                : kind;
    }

    private Kind subclusterKind(TableSlice slice, int index, int subcluster, long clusterStart) {
        long entry = slice.entry(index);
        long bitmap = slice.bitmap(index);
        boolean placed = isPlaced(entry);
        if (L2Entry.isInvalid(bitmap, placed)) {
            throw corrupt(
                    entry,
                    clusterStart,
                    "has the illegal subcluster bitmap 0x%016x".formatted(bitmap));
        }
        if (L2Entry.isAllocated(bitmap, subcluster)) {
            return Kind.NORMAL;
        }
        if (L2Entry.isZero(bitmap, subcluster)) {
            return placed ? Kind.ZERO_ALLOCATED : Kind.ZERO_PLAIN;
        }
        return Kind.UNALLOCATED;
    }

    private void checkPlace(long entry, long clusterStart) {
        long hostOffset = L2Entry.hostOffset(entry);
        if (!geometry.isAligned(hostOffset)) {
            throw corrupt(entry, clusterStart, "is no multiple of the cluster size");
        }
        if (hasDataFile && hostOffset != clusterStart) {
            throw corrupt(entry, clusterStart, "is not the guest offset, with external data file");
        }
    }

    private void checkVersion(long entry, long clusterStart) {
        if (!hasZeroClusters) {
            throw corrupt(entry, clusterStart, "is a zero cluster, in a version 2 image");
        }
    }

    /** Says which entry is wrong, and where it lies. */
    private BlockException.Corrupt corrupt(long entry, long clusterStart, String what) {
        int l1Index = Math.toIntExact(geometry.l1Index(clusterStart));
        int l2Index = geometry.l2Index(clusterStart);
        return new BlockException.Corrupt(
                image,
                "L2 table " + l1Index,
                tables.tableOffset(l1Index) + (long) l2Index * geometry.l2EntrySize(),
                "entry %d (guest offset 0x%x) 0x%016x %s"
                        .formatted(l2Index, clusterStart, entry, what));
    }
}
