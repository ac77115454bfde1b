package dev.gaur.format.qcow2;

import dev.gaur.block.BlockEvent;
import dev.gaur.block.BlockException;
import dev.gaur.block.BlockNode;
import dev.gaur.block.Durability;
import dev.gaur.block.StorageNode;
import dev.gaur.block.ZeroMode;
import dev.gaur.block.ZeroNode;
import dev.gaur.format.FormatOptions;
import dev.gaur.format.Preallocation;
import dev.gaur.sync.Epoch;
import java.util.Arrays;

/**
 * Changes the size of the disk. A larger disk gets its size when all that is new reads as zeros; a
 * smaller one gets size and mapping with one write, so a crash leaves the old disk or the new one
 * (Q6), and what was cut off is freed after that (Q3).
 *
 * <p>VM state of the active state lies behind the disk in the L1 table; it does not survive, as
 * with QEMU. What snapshots have is theirs.
 */
final class ImageResizer {
    private WholeImage image;
    private final StorageNode file;
    private final StorageNode data;
    private final BlockNode backing;
    private final CompressedClusters compressed;
    private final LiveHeader header;
    private final Geometry geometry;
    private final long oldSize;

    /**
     * @param data the file with the guest's clusters; perhaps the image's own
     */
    ImageResizer(
            WholeImage image, StorageNode data, BlockNode backing, CompressedClusters compressed) {
        this.image = image;
        this.file = image.file();
        this.data = data;
        this.backing = backing;
        this.compressed = compressed;
        this.header = image.header();
        this.geometry = image.geometry();
        this.oldSize = header.get().virtualSize();
    }

    /** Resizes as {@link dev.gaur.format.Resizing} says. */
    void resize(long size, Preallocation preallocation) {
        if (size < 0 || size % Geometry.SECTOR != 0) {
            throw new IllegalArgumentException("The new size must be a multiple of 512");
        }
        if (size <= oldSize && preallocation != Preallocation.OFF) {
            throw new IllegalArgumentException(
                    "Preallocation can't be used for shrinking an image");
        }
        if (header.get().version() < 3 && header.get().snapshotCount() > 0) {
            throw new BlockException.Unsupported(
                    file.name(), "", "Can't resize a v2 image which has snapshots");
        }
        if (size < oldSize) {
            shrink(size);
        } else if (size > oldSize) {
            grow(size, preallocation);
        }
    }

    // ---- smaller

    private void shrink(long size) {
        int needed = (int) geometry.l1EntriesFor(size);
        long[] old = image.activeL1();
        ClusterTree tree = image.tree("L1 table", old);
        long[] l1 = Arrays.copyOf(old, needed);
        // How many clusters the last table still maps.
        int kept = (int) (geometry.clustersFor(size) - (needed - 1L) * geometry.l2Entries());
        boolean cuts = needed > 0 && kept < geometry.l2Entries() && l1[needed - 1] != 0;
        long oldPlace = header.get().l1TableOffset();
        long[] place = {0};
        image.prepare(
                () -> {
                    if (cuts) {
                        l1[needed - 1] = copy(tree, needed - 1, kept) | L2Entry.COPIED;
                    }
                    file.event(BlockEvent.L1_SHRINK_WRITE_TABLE);
                    place[0] = writeStable(l1);
                });
        image.change(
                () -> {
                    header.switchDisk(size, l1.length, place[0]);
                    file.event(BlockEvent.L1_SHRINK_FREE_L2_CLUSTERS);
                    if (cuts) {
                        image.lowerPart(tree, needed - 1, kept);
                    }
                    image.lower(image.tree("L1 table", withoutFirst(old, needed)));
                    image.free(oldPlace, (long) old.length * Long.BYTES);
                    image.finish();
                });
        if (needed > 0) {
            moveDown(l1, cuts);
        }
        image.health().orFail(image::trim);
        if (data != file) {
            data.resize(Math.min(data.length(), size));
        }
    }

    /** Writes a new L1 table, and makes all that is new stable; returns where it is. */
    private long writeStable(long[] l1) {
        long place = image.take((long) l1.length * Long.BYTES);
        image.writeTable(place, l1);
        image.commit();
        return place;
    }

    /** Copies the first entries of a table; returns where to. */
    private long copy(ClusterTree tree, int l1Index, int entries) {
        long place = image.take(geometry.clusterSize());
        tree.copyPart(l1Index, entries, place);
        return place;
    }

    /** What was made new for the change may lie behind all that was cut off: it goes lower. */
    private void moveDown(long[] l1, boolean table) {
        image = image.again();
        int last = l1.length - 1;
        long oldTable = L2Entry.hostOffset(l1[last]);
        long oldPlace = header.get().l1TableOffset();
        long[] place = {0};
        image.prepare(
                () -> {
                    if (table) {
                        ClusterTree tree = image.tree("L1 table", l1.clone());
                        l1[last] = copy(tree, last, geometry.l2Entries()) | L2Entry.COPIED;
                    }
                    place[0] = writeStable(l1);
                });
        image.change(
                () -> {
                    header.switchL1(l1.length, place[0]);
                    if (table) {
                        image.free(oldTable, geometry.clusterSize());
                    }
                    image.free(oldPlace, (long) l1.length * Long.BYTES);
                    image.finish();
                });
    }

    private static long[] withoutFirst(long[] l1, int count) {
        long[] rest = l1.clone();
        Arrays.fill(rest, 0, Math.min(count, rest.length), 0);
        return rest;
    }

    // ---- larger

    private void grow(long size, Preallocation wanted) {
        if (backingLength() > oldSize && header.get().version() < 3) {
            throw new BlockException.Unsupported(
                    file.name(), "", "Failed to zero out new clusters: Operation not supported");
        }
        growL1(size);
        if (data != file) {
            data.resize(Math.min(data.length(), oldSize)); // What is behind is not the disk's.
            data.resize(size);
        }
        header.setSizeInMemory(size);
        boolean done = false;
        try {
            fill(size, preallocation(wanted));
            image.health().orFail(() -> header.setSize(size));
            done = true;
        } finally {
            if (!done) {
                header.setSizeInMemory(oldSize);
            }
        }
    }

    private long backingLength() {
        return backing == ZeroNode.INSTANCE ? 0 : backing.length();
    }

    /** A raw data file is not raw if some of it is not mapped. */
    private Preallocation preallocation(Preallocation wanted) {
        boolean raw = (header.get().autoclear() & Header.DATA_FILE_RAW) != 0;
        return raw && wanted == Preallocation.OFF ? Preallocation.METADATA : wanted;
    }

    /** Makes room in the L1 table; what it has behind the disk is dropped. */
    private void growL1(long size) {
        long needed = geometry.l1EntriesFor(size);
        if (needed > HeaderCodec.L1_BYTES_MAX / Long.BYTES) {
            throw new BlockException.Media(
                    file.name(),
                    "",
                    BlockException.NO_OFFSET,
                    "Failed to grow the L1 table: File too large",
                    EFBIG,
                    null);
        }
        int used = (int) geometry.l1EntriesFor(oldSize);
        long[] old = image.activeL1();
        long[] behind = withoutFirst(old, used);
        if (old.length >= needed && Arrays.stream(behind).allMatch(entry -> entry == 0)) {
            return;
        }
        long[] l1 = Arrays.copyOf(Arrays.copyOf(old, used), (int) needed);
        long oldPlace = header.get().l1TableOffset();
        long[] place = {0};
        image.prepare(
                () -> {
                    file.event(BlockEvent.L1_GROW_ALLOC_TABLE);
                    file.event(BlockEvent.L1_GROW_WRITE_TABLE);
                    place[0] = writeStable(l1);
                });
        image.change(
                () -> {
                    file.event(BlockEvent.L1_GROW_ACTIVATE_TABLE);
                    header.switchL1(l1.length, place[0]);
                    image.lower(image.tree("L1 table", behind));
                    image.free(oldPlace, (long) old.length * Long.BYTES);
                    image.finish();
                });
    }

    private static final int EFBIG = 27;

    /** Sees to it that all that is new reads as zeros, through an engine of the larger disk. */
    private void fill(long size, Preallocation preallocation) {
        var engine =
                new WriteEngine(
                        file,
                        data,
                        header,
                        image.health(),
                        FormatOptions.DEFAULT,
                        new BitmapStore(file, header), // Not attached: follows nothing.
                        new Epoch(),
                        compressed);
        View view =
                View.of(
                        header.get(),
                        engine.tables(),
                        file,
                        data,
                        backing,
                        compressed,
                        CacheSizes.of(FormatOptions.DEFAULT, header.get()));
        try {
            long aligned = geometry.alignUp(oldSize);
            engine.drop(view, aligned, Math.min(geometry.alignUp(size), tableEnd()));
            long partEnd = Math.min(aligned, size);
            if (oldSize < partEnd) {
                engine.zero(view, oldSize, partEnd - oldSize, ZeroMode.KEEP, Durability.CACHED);
            }
            if (aligned < size && preallocation != Preallocation.OFF) {
                engine.preallocate(view, aligned, geometry.alignUp(size), preallocation);
            } else {
                long end = Math.min(size, geometry.alignUp(backingLength()));
                if (aligned < end) {
                    engine.zero(view, aligned, end - aligned, ZeroMode.KEEP, Durability.CACHED);
                }
            }
        } finally {
            engine.settle();
        }
    }

    /** Where the last table of the old disk ends. */
    private long tableEnd() {
        return geometry.guestOffset(geometry.l1EntriesFor(oldSize), 0);
    }
}
