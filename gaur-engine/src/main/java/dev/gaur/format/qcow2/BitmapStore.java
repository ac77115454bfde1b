package dev.gaur.format.qcow2;

import dev.gaur.bitmap.DirtyBitmap;
import dev.gaur.block.BlockException;
import dev.gaur.block.Durability;
import dev.gaur.block.StorageNode;
import dev.gaur.format.BitmapInfo;
import dev.gaur.mem.Bytes;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The bitmaps of an image that is being changed. Before the first change all are marked in the file
 * as in use; while it is open they live in memory; {@link #store} writes them to new clusters and
 * lets the header refer to those. So a crash at any moment leaves bitmaps that say that they are
 * not to be trusted, or the new ones, never one that claims less than what was written (Q13).
 *
 * <p>Locks: its monitor guards everything but {@link #mark}, which takes none. No request may be
 * under way during any other change: who calls sees to it.
 *
 * <p>Source: the specification, "Bitmaps extension"; the limits are QEMU's.
 */
final class BitmapStore {
    private static final long TABLES_BYTES_MAX = 64L << 20;
    private static final long[] NO_TABLE = {};
    private static final int ENOENT = 2;

    private final StorageNode file;
    private final LiveHeader header;
    private final Geometry geometry;
    private final List<StoredBitmap> bitmaps = new ArrayList<>();
    private BitmapDirectory directory;
    private boolean begun;
    private volatile DirtyBitmap[] tracking = {};

    /** Those that the file's directory still has. */
    private final List<StoredBitmap> removed = new ArrayList<>();

    /** Makes a store for an image that was not changed yet; reads and writes nothing. */
    BitmapStore(StorageNode file, LiveHeader header) {
        this.file = file;
        this.header = header;
        this.geometry = header.get().geometry();
        this.directory = BitmapDirectory.NONE;
    }

    // ---- the first change

    /**
     * Adds the clusters of all bitmaps to the set. The first time this also prepares the file for
     * changes: when it returned, nobody relies on what the file says of its bitmaps. Feature bits
     * that Gaur does not know are cleared, for it does not keep what they promise.
     *
     * @param metadata where all other metadata lies
     */
    synchronized void attach(ClusterAllocator allocator, ClusterSet metadata) {
        BitmapClaims claims = new BitmapClaims(geometry, allocator, metadata);
        if (begun) {
            claims.add(directory, all());
            return;
        }
        bitmaps.clear(); // Of an attempt that failed, or as they were stored.
        removed.clear();
        load(claims);
        if (header.get().version() >= 3) {
            begin();
        }
        begun = true;
        followEnabled();
    }

    private void load(BitmapClaims claims) {
        directory = BitmapDirectory.read(file, header.get());
        if (!directory.entries().isEmpty() && !claims.claim(directory)) {
            directory = BitmapDirectory.NONE;
        }
        long tablesBytes = 0;
        for (BitmapEntry entry : directory.entries()) {
            tablesBytes += entry.hasTable(geometry) ? entry.tableEntries() * Long.BYTES : 0;
            boolean tooMuch = tablesBytes > TABLES_BYTES_MAX;
            bitmaps.add(
                    tooMuch
                            ? of(entry, "the tables of all bitmaps take more than 64 MiB")
                            : load(entry, claims));
        }
    }

    private StoredBitmap of(BitmapEntry entry, String problem) {
        return StoredBitmap.of(file, entry, problem, NO_TABLE, false, header.get().virtualSize());
    }

    private StoredBitmap load(BitmapEntry entry, BitmapClaims claims) {
        String problem = entry.problem();
        if (!entry.hasTable(geometry)) {
            return of(entry, problem);
        }
        try {
            long[] table = BitmapTable.read(file, header.get(), entry);
            if (claims.claim(entry, table)) {
                long diskBytes = header.get().virtualSize();
                return StoredBitmap.of(file, entry, problem, table, true, diskBytes);
            }
            return of(entry, problem.isEmpty() ? "its clusters are not its own" : problem);
        } catch (BlockException damaged) {
            return of(entry, problem.isEmpty() ? damaged.found() : problem);
        }
    }

    private void begin() {
        Header now = header.get();
        boolean valid = !bitmaps.isEmpty();
        long known = Header.DATA_FILE_RAW | (valid ? Header.BITMAPS_VALID : 0);
        known |= now.has(Header.DIRTY) ? Header.JOURNAL_VALID : 0; // It was resumed.
        header.setAutoclear(now.autoclear() & known);
        if (!valid && now.extension(HeaderExtension.BITMAPS).isPresent()) {
            // Its clusters may be somebody else's by now: they are leaked at worst.
            header.rewrite(edit -> edit.setExtension(HeaderExtension.BITMAPS, new byte[0]));
        }
        markInUse();
    }

    /** Sets the flag of each bitmap in its place, which never crosses a sector. */
    private void markInUse() {
        boolean any = false;
        for (BitmapEntry each : directory.entries()) {
            if (!each.inUse()) {
                MemorySegment flags = MemorySegment.ofArray(new byte[Integer.BYTES]);
                Bytes.putU32(flags, 0, each.flags() | BitmapEntry.IN_USE);
                file.write(each.at() + BitmapEntry.FLAGS_AT, flags, Durability.CACHED);
                any = true;
            }
        }
        if (any) {
            file.flush();
        }
    }

    /** Whether the file's bitmaps are marked as in use, or lack some that are here. */
    synchronized boolean isToBeStored() {
        return begun && !(bitmaps.isEmpty() && directory.entries().isEmpty());
    }

    /** What the file had. */
    synchronized BitmapDirectory directory() {
        return directory;
    }

    /** All that the file's directory has, and all that are new. */
    private List<StoredBitmap> all() {
        List<StoredBitmap> all = new ArrayList<>(bitmaps);
        all.addAll(removed);
        return all;
    }

    // ---- requests

    /** Marks a part of the disk as dirty, before anybody can see that it changes. */
    void mark(long guestOffset, long length) {
        for (DirtyBitmap each : tracking) {
            each.set(guestOffset, length);
        }
    }

    /** What a change of the whole image made of the disk: another length, or other bytes. */
    void follow(long oldLength, boolean exchanged) {
        if (header.get().virtualSize() != oldLength) {
            resized(header.get().virtualSize());
        }
        if (exchanged) {
            markAll();
        }
    }

    /** Marks the whole disk, whose content was exchanged. */
    void markAll() {
        for (DirtyBitmap each : tracking) {
            each.set(0, each.length());
        }
    }

    private void followEnabled() {
        tracking =
                bitmaps.stream()
                        .filter(StoredBitmap::isTracking)
                        .map(StoredBitmap::changes)
                        .toArray(DirtyBitmap[]::new);
    }

    /**
     * Throws if the disk cannot get another size, since a bitmap could not be fitted to it.
     *
     * @throws BlockException.Denied in QEMU's words
     */
    synchronized void requireResizable(long newLength) {
        for (StoredBitmap each : bitmaps) {
            each.requireUsable();
            checkPayload(newLength, each.granularityBits());
        }
    }

    /**
     * Fits all bitmaps to the disk's new size, before anything uses it; what was added is not
     * dirty.
     */
    synchronized void resized(long newLength) {
        bitmaps.stream()
                .filter(StoredBitmap::isUsable) // Others are as they were left, of any size.
                .forEach(each -> each.resize(geometry, newLength));
        followEnabled();
    }

    // ---- what users may do

    synchronized List<BitmapInfo> list() {
        return bitmaps.stream().map(StoredBitmap::info).toList();
    }

    synchronized void add(String name, long granularity, boolean enabled) {
        byte[] bytes = BitmapEntry.encodeName(name);
        int granularityBits = Long.numberOfTrailingZeros(granularity);
        checkNew(name, bytes, granularityBits);
        long diskBytes = header.get().virtualSize();
        bitmaps.add(StoredBitmap.fresh(file, bytes, granularityBits, enabled, diskBytes));
        followEnabled();
    }

    private void checkNew(String name, byte[] bytes, int granularityBits) {
        if (find(name) != null) {
            throw new BlockException.Denied(file.name(), "", "Bitmap already exists: " + name);
        }
        if (header.get().version() < 3) {
            throw unsupported("Cannot store dirty bitmaps in qcow2 v2 files");
        }
        if (bytes.length > BitmapEntry.NAME_MAX) {
            throw unsupported("Name length exceeds maximum (1023 characters)");
        }
        checkPayload(header.get().virtualSize(), granularityBits);
        if (bitmaps.size() >= BitmapDirectory.BITMAPS_MAX) {
            throw unsupported("Maximum number of persistent bitmaps is already reached");
        }
        long size = BitmapEntry.encodedLength(bytes);
        for (StoredBitmap each : bitmaps) {
            BitmapEntry entry = each.entry();
            size += entry == null ? BitmapEntry.encodedLength(each.name()) : entry.length();
        }
        if (size > BitmapDirectory.BYTES_MAX) {
            throw unsupported("Not enough space in the bitmap directory");
        }
        header.checkFits(HeaderExtension.BITMAPS, BitmapDirectory.EXTENSION_BYTES);
    }

    private void checkPayload(long diskBytes, int granularityBits) {
        long payload = BitmapTable.payloadBytes(diskBytes, granularityBits);
        if (payload == 0) { // QEMU cannot store one either.
            throw unsupported("A disk of 0 bytes has no bitmaps");
        }
        if (payload > BitmapTable.PAYLOAD_BYTES_MAX) {
            throw unsupported(
                    "Too much space will be occupied by the bitmap. Use larger granularity");
        }
    }

    private BlockException unsupported(String found) {
        return new BlockException.Unsupported(file.name(), "", found);
    }

    synchronized void remove(String name) {
        StoredBitmap bitmap = require(name);
        for (StoredBitmap each : bitmaps) {
            if (each.text().equals(name) && !each.info().broken().isEmpty()) {
                bitmap = each;
            }
        }
        bitmaps.remove(bitmap);
        removed.add(bitmap);
        followEnabled();
    }

    synchronized void clear(String name) {
        requireUsable(name).clear();
        followEnabled();
    }

    synchronized void enable(String name, boolean enabled) {
        requireUsable(name).setEnabled(enabled);
        followEnabled();
    }

    synchronized void merge(String target, DirtyBitmap source) {
        DirtyBitmap bits = requireUsable(target).changes();
        if (bits.length() != source.length()) {
            throw new BlockException.Denied(
                    file.name(),
                    "",
                    "Bitmaps are of different sizes (destination size is %d, source size is %d) and"
                                    .formatted(bits.length(), source.length())
                            + " can't be merged");
        }
        bits.merge(source);
    }

    synchronized DirtyBitmap copyOf(String name) {
        return requireUsable(name).content(geometry);
    }

    /** Returns all bits; those of requests that come later are set in it, too. */
    synchronized DirtyBitmap contentOf(String name) {
        StoredBitmap bitmap = requireUsable(name);
        bitmap.load(geometry);
        return bitmap.changes();
    }

    private StoredBitmap requireUsable(String name) {
        StoredBitmap bitmap = require(name);
        bitmap.requireUsable();
        return bitmap;
    }

    private StoredBitmap require(String name) {
        StoredBitmap bitmap = find(name);
        if (bitmap == null) {
            throw notFound(file.name(), name);
        }
        return bitmap;
    }

    private @Nullable StoredBitmap find(String name) {
        for (StoredBitmap each : bitmaps) {
            if (each.text().equals(name)) {
                return each;
            }
        }
        return null;
    }

    /** The error of a name that no bitmap has, in QEMU's words. */
    static BlockException notFound(String image, String name) {
        return new BlockException.Media(
                image,
                "bitmaps",
                BlockException.NO_OFFSET,
                "Dirty bitmap '%s' not found".formatted(name),
                ENOENT,
                null);
    }

    // ---- closing

    /**
     * Writes all bitmaps, no longer in use. All else that changed must be stable. If it fails
     * before the header refers to the new ones, the file is sound and has them in use; what was
     * written is given back.
     */
    synchronized void store(ClusterAllocator allocator, ClusterSet metadata, Health health) {
        if (!isToBeStored()) {
            return;
        }
        if (header.get().version() < 3) { // It was made so meanwhile: there are none any more.
            removed.addAll(bitmaps);
            bitmaps.clear();
            followEnabled();
        }
        fitToDisk();
        BitmapWriter writer = new BitmapWriter(file, geometry, allocator);
        byte[] extension;
        try {
            extension = bitmaps.isEmpty() ? new byte[0] : writer.write(bitmaps);
        } catch (RuntimeException | Error failed) {
            writer.undo();
            throw failed;
        }
        health.orFail(
                () -> {
                    makeCountsStable(allocator);
                    header.switchBitmaps(extension); // Q6
                    new BitmapClaims(geometry, allocator, metadata)
                            .free(directory, all(), writer.kept()); // Q3
                });
        begun = false; // The file says again what holds: the next change begins anew.
    }

    /** A bitmap of another size than the disk's would make QEMU refuse the image. */
    private void fitToDisk() {
        long diskBytes = header.get().virtualSize();
        for (StoredBitmap each : bitmaps) {
            if (each.isUsable() && each.changes().length() != diskBytes) {
                each.resize(geometry, diskBytes);
            }
        }
    }

    private void makeCountsStable(ClusterAllocator allocator) {
        allocator.lock().lock();
        try {
            allocator.refcounts().writeBack();
        } finally {
            allocator.lock().unlock();
        }
        file.flush();
    }
}
