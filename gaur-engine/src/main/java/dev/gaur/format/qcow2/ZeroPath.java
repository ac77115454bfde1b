package dev.gaur.format.qcow2;

import dev.gaur.block.BlockException;
import dev.gaur.block.Durability;
import dev.gaur.block.StorageNode;
import dev.gaur.block.ZeroMode;
import dev.gaur.block.ZeroNode;
import dev.gaur.mem.Zeros;
import dev.gaur.sync.RangeLock;
import java.lang.foreign.MemorySegment;

/**
 * Makes ranges read as zeros, and discards them, by changing entries; bytes are written only for
 * parts of clusters and where version 2 has no other way.
 *
 * <p>Locks: a claim on the guest clusters whose entries change.
 *
 * <p>Source: the specification, "L2 table entry"; what is unmapped when is as in QEMU.
 */
final class ZeroPath {
    private final StorageNode file;
    private final StorageNode data;
    private final Header features;
    private final Geometry geometry;
    private final Linker linker;
    private final WritePath writePath;
    private final RangeLock claims;
    private final boolean keepPlaces;
    private final MemorySegment zeros = Zeros.bytes();

    /**
     * @param features version and feature bits
     * @param keepPlaces clusters keep their place in the file whatever is discarded (QEMU's {@code
     *     discard-no-unref})
     */
    ZeroPath(
            StorageNode file,
            StorageNode data,
            Header features,
            Linker linker,
            WritePath writePath,
            RangeLock claims,
            boolean keepPlaces) {
        this.file = file;
        this.data = data;
        this.features = features;
        this.geometry = features.geometry();
        this.linker = linker;
        this.writePath = writePath;
        this.claims = claims;
        this.keepPlaces = keepPlaces;
    }

    // ---- zero

    /** Makes a range read as zeros. */
    void zero(View view, long guestOffset, long length, ZeroMode mode) {
        long end = guestOffset + length;
        boolean toDiskEnd = end == view.header().virtualSize();
        int unit = geometry.subclusterSize();
        long firstWhole = roundUp(guestOffset, unit);
        long endWhole = toDiskEnd ? geometry.alignUp(end) : end / unit * unit;
        if (firstWhole >= endWhole) {
            zeroPart(view, guestOffset, end, mode);
            return;
        }
        zeroPart(view, guestOffset, firstWhole, mode);
        zeroWhole(view, firstWhole, endWhole, mode);
        zeroPart(view, endWhole, Math.max(end, endWhole), mode);
    }

    private static long roundUp(long value, int unit) {
        return (value + unit - 1) / unit * unit;
    }

    /** Zeros a part of subclusters, of one or of two neighbours. */
    private void zeroPart(View view, long from, long end, ZeroMode mode) {
        long stop = Math.min(end, view.header().virtualSize());
        if (from < stop && !writePath.isKnownZero(view, from, stop)) {
            writeZeros(view, from, stop, mode);
        }
    }

    private void writeZeros(View view, long from, long end, ZeroMode mode) {
        if (!mode.mayWrite()) {
            throw new BlockException.Unsupported(
                    file.name(), "write zeros", "a part of a cluster takes a write");
        }
        for (long at = from; at < end; ) {
            long size = Math.min(end - at, zeros.byteSize());
            writePath.write(view, at, zeros.asSlice(0, size));
            at += size;
        }
    }

    /** Zeros whole subclusters; the end may lie behind that of the disk. */
    private void zeroWhole(View view, long from, long end, ZeroMode mode) {
        if (features.version() < 3) {
            zeroOld(view, from, end, mode);
            return;
        }
        zeroRawData(view, from, end, mode);
        long aligned = Math.min(end, geometry.alignUp(from));
        long alignedEnd = Math.max(aligned, geometry.alignDown(end));
        zeroSubclusters(view, from, aligned, mode);
        for (long at = aligned; at < alignedEnd; ) {
            long stop = Math.min(alignedEnd, sliceEnd(at));
            zeroInSlice(view, at, stop, mode);
            at = stop;
        }
        zeroSubclusters(view, alignedEnd, end, mode);
    }

    /** Zeros a part of one cluster; of a compressed one only a write can. */
    private void zeroSubclusters(View view, long from, long end, ZeroMode mode) {
        if (from < end && !zeroInSlice(view, from, end, mode)) {
            zeroPart(view, from, end, mode);
        }
    }

    /** A raw data file alone must read as the disk does; so it changes first. */
    private void zeroRawData(View view, long from, long end, ZeroMode mode) {
        if (data != file && (features.autoclear() & Header.DATA_FILE_RAW) != 0) {
            long stop = Math.min(end, view.header().virtualSize());
            data.zero(from, stop - from, mode, Durability.CACHED);
        }
    }

    private long sliceEnd(long guestOffset) {
        return (geometry.sliceNumber(guestOffset) + 1)
                * geometry.clusterOffset(geometry.sliceEntries());
    }

    /** Version 2 knows no zero clusters: unallocated ones do if nothing lies below. */
    private void zeroOld(View view, long from, long end, ZeroMode mode) {
        long stop = Math.min(end, view.header().virtualSize());
        if (view.backing() == ZeroNode.INSTANCE && mode.unmaps()) {
            discard(view, from, stop - from);
        }
        zeroPart(view, from, stop, mode);
    }

    /** Zeros what lies in one slice; returns false, with nothing done, if that takes a write. */
    private boolean zeroInSlice(View view, long from, long end, ZeroMode mode) {
        long first = geometry.alignDown(from);
        int clusters = (int) geometry.clusterIndex(geometry.alignUp(end) - first);
        boolean part = end - from < geometry.clusterSize();
        RangeLock.Claim claim = claims.claim(first, geometry.clusterOffset(clusters));
        try {
            if (part && writePath.state(view, from).compressed()) {
                return false;
            }
            linker.change(
                    view.map(),
                    view.cache(),
                    first,
                    clusters,
                    false,
                    true,
                    (index, old) -> {
                        long start = first + geometry.clusterOffset(index);
                        return zeroEntry(view, old, start, from, end, mode);
                    });
            return true;
        } finally {
            claim.close();
        }
    }

    private Linker.Entry zeroEntry(
            View view, ClusterState old, long start, long from, long end, ZeroMode mode) {
        boolean nothing = old.isUnallocated() && view.backing() == ZeroNode.INSTANCE;
        if (nothing && !old.placed()) {
            return new Linker.Entry(old.entry(), 0); // Reads as zeros already.
        }
        boolean leaves = old.compressed() || (mode.unmaps() && !keepPlaces && data == file);
        if (!geometry.extendedL2()) {
            long place = leaves || !old.placed() ? 0 : placeOf(old);
            return new Linker.Entry(place | L2Entry.ZERO, 0);
        }
        int mask = subclusters(start, from, end);
        if (old.compressed() && mask != -1) {
            throw new AssertionError("a part of a compressed cluster cannot be zeroed");
        }
        int zeros = old.zeros() | mask;
        int allocated = old.allocated() & ~mask;
        boolean empty = leaves && zeros == -1;
        return new Linker.Entry(empty ? 0 : placedWord(old), L2Entry.bitmap(allocated, zeros));
    }

    private static long placedWord(ClusterState old) {
        return old.placed() ? placeOf(old) : 0;
    }

    private static long placeOf(ClusterState old) {
        return old.hostOffset() | (old.copied() ? L2Entry.COPIED : 0);
    }

    /** A bit for each subcluster of the cluster at {@code start} that lies in the range. */
    private int subclusters(long start, long from, long end) {
        int size = geometry.subclusterSize();
        long stop = start + geometry.clusterSize();
        int first = (int) ((Math.max(start, from) - start) / size);
        int last = (int) ((Math.min(stop, end) - 1 - start) / size);
        return (-1 >>> (31 - (last - first))) << first;
    }

    // ---- discard

    /**
     * Drops whole clusters; what does not fill one is left as it is.
     *
     * @return whether it did, or left all as it was
     */
    boolean discard(View view, long guestOffset, long length) {
        long end = guestOffset + length;
        long from = geometry.alignUp(guestOffset);
        long stop =
                end == view.header().virtualSize()
                        ? geometry.alignUp(end)
                        : geometry.alignDown(end);
        boolean hasBacking = view.backing() != ZeroNode.INSTANCE;
        if (features.version() < 3 && hasBacking) {
            return false; // What lies below would reappear, and there is no way to say zero.
        }
        for (long at = from; at < stop; ) {
            long next = Math.min(stop, sliceEnd(at));
            discardInSlice(view, at, next, hasBacking);
            at = next;
        }
        return true;
    }

    private void discardInSlice(View view, long from, long end, boolean hasBacking) {
        int clusters = (int) geometry.clusterIndex(end - from);
        RangeLock.Claim claim = claims.claim(from, end - from);
        try {
            zeroRawData(view, from, end, ZeroMode.UNMAP);
            linker.change(
                    view.map(),
                    view.cache(),
                    from,
                    clusters,
                    false,
                    true,
                    (index, old) -> discardedEntry(old, hasBacking));
        } finally {
            claim.close();
        }
    }

    /** Forgets the entries of whole clusters; the range may lie behind the disk. */
    void drop(View view, long from, long end) {
        for (long at = from; at < end; ) {
            long next = Math.min(end, sliceEnd(at));
            int clusters = (int) geometry.clusterIndex(next - at);
            RangeLock.Claim claim = claims.claim(at, next - at);
            try {
                linker.change(
                        view.map(),
                        view.cache(),
                        at,
                        clusters,
                        false,
                        true,
                        (_, _) -> new Linker.Entry(0, 0));
            } finally {
                claim.close();
            }
            at = next;
        }
    }

    private Linker.Entry discardedEntry(ClusterState old, boolean hasBacking) {
        boolean nothing = !old.placed() && !old.compressed();
        if (nothing && old.isUnallocated() && !hasBacking) {
            return new Linker.Entry(old.entry(), 0);
        }
        if (features.version() < 3) {
            return new Linker.Entry(0, 0);
        }
        boolean stays = old.placed() && !old.compressed() && (keepPlaces || data != file);
        long place = stays ? placeOf(old) : 0;
        return geometry.extendedL2()
                ? new Linker.Entry(place, L2Entry.ALL_SUBCLUSTERS_ZERO)
                : new Linker.Entry(place | L2Entry.ZERO, 0);
    }

    // ---- all at once

    /**
     * Drops every cluster, so that what lies below is seen.
     *
     * @param afterEach runs after each piece, while nothing is claimed
     */
    void dropAll(View view, Runnable afterEach) {
        long end = geometry.alignUp(view.header().virtualSize());
        for (long at = 0, next; at < end; at = next) {
            next = Math.min(end, sliceEnd(at));
            if (view.map().hasTable(at)) {
                drop(view, at, next);
                afterEach.run();
            } else {
                next = Math.min(end, at + geometry.l2Coverage() - at % geometry.l2Coverage());
            }
        }
    }
}
