package dev.gaur.format.qcow2;

import dev.gaur.block.BlockEvent;
import dev.gaur.block.BlockException;
import dev.gaur.block.Durability;
import dev.gaur.format.SnapshotInfo;
import dev.gaur.format.qcow2.SnapshotTable.Snapshot;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Creates, applies and deletes internal snapshots. Each comes to be with one write of the header:
 * what it needs is stable before (Q6), what it makes needless is freed after (Q3). While counts
 * change but COPIED does not yet, the image has its dirty bit.
 *
 * <p>Source: the specification, "Snapshots"; names, ids and what becomes of VM state are as in
 * QEMU.
 */
final class SnapshotChange {
    private final WholeImage image;
    private final String name;
    private final LiveHeader header;
    private final SnapshotTable table;

    SnapshotChange(WholeImage image) {
        this.image = image;
        this.name = image.file().name();
        this.header = image.header();
        if (header.get().has(Header.DATA_FILE)) {
            throw new BlockException.Unsupported(
                    name, "", "an image with an external data file can have no snapshots");
        }
        this.table = SnapshotTable.read(image.file(), header.get());
    }

    // ---- create

    SnapshotInfo create(SnapshotInfo wish) {
        if (wish.vmStateBytes() != 0) {
            throw new IllegalArgumentException("VM state cannot be saved");
        }
        long[] l1 = image.activeL1();
        ClusterTree tree = image.tree("L1 table", l1.clone());
        Arrays.setAll(l1, i -> L2Entry.hostOffset(l1[i]));
        long bytes = (long) l1.length * Long.BYTES;
        List<Snapshot> all = new ArrayList<>(table.snapshots());
        SnapshotInfo info = named(wish);
        all.add(Snapshot.of(info, 0, l1.length));
        long[] place = {0};
        image.prepare(
                () -> {
                    long copy = image.take(bytes);
                    image.writeTable(copy, l1);
                    all.set(all.size() - 1, Snapshot.of(info, copy, l1.length));
                    place[0] = writeTable(all);
                    image.commit();
                });
        image.setDirty(true);
        boolean[] raised = {false};
        image.prepare(
                () -> {
                    raised[0] = image.raise(tree);
                    requireRaised(raised[0]);
                    share(tree, l1);
                },
                () -> unshare(tree, l1, raised[0]));
        image.change(
                () -> {
                    switchTo(all.size(), place[0]);
                    image.finish();
                    image.setDirty(false);
                });
        return info;
    }

    private SnapshotInfo named(SnapshotInfo wish) {
        long highest = 0;
        for (Snapshot each : table.snapshots()) {
            highest = Math.max(highest, idNumber(each.info().id()));
        }
        return new SnapshotInfo(
                Long.toString(highest + 1),
                wish.name(),
                wish.taken(),
                wish.vmClockNanos(),
                0,
                header.get().virtualSize(),
                wish.icount());
    }

    private static long idNumber(String id) {
        try {
            return Long.parseLong(id);
        } catch (NumberFormatException _) {
            return 0;
        }
    }

    /** Nothing of the active state can be overwritten in place any more. */
    private void share(ClusterTree tree, long[] l1WithoutCopied) {
        image.commit(); // Counts before flags.
        tree.clearCopied();
        image.file().event(BlockEvent.L1_UPDATE);
        image.writeTable(header.get().l1TableOffset(), l1WithoutCopied);
        image.flush();
    }

    /** Nobody shares anything after all. */
    private void unshare(ClusterTree tree, long[] l1, boolean raised) {
        if (raised) {
            image.lower(tree);
        }
        image.giveBack();
        if (raised) { // Else COPIED is as it was.
            own(l1);
        }
        image.setDirty(false);
    }

    private void requireRaised(boolean raised) {
        if (raised) {
            return;
        }
        // "Invalid argument" is what QEMU says.
        throw new BlockException.Media(
                name,
                "refcounts",
                BlockException.NO_OFFSET,
                "some cluster cannot be counted once more: "
                        + image.geometry().refcountBits()
                        + " bits are too few",
                EINVAL,
                null);
    }

    private static final int EINVAL = 22;

    // ---- apply

    void apply(Snapshot snapshot) {
        long size = snapshot.info().diskLength();
        long needed = neededEntries(snapshot);
        long[] saved = image.l1Of(snapshot);
        ClusterTree tree = image.tree(snapshot.l1Name(), saved);
        long[] l1 = new long[(int) Math.max(needed, saved.length)];
        Arrays.setAll(l1, i -> i < saved.length ? L2Entry.hostOffset(saved[i]) : 0);
        long[] old = image.activeL1();
        long oldPlace = header.get().l1TableOffset();
        long[] place = {0};
        boolean[] raised = {false};
        image.prepare(
                () -> {
                    place[0] = image.take((long) l1.length * Long.BYTES);
                    image.writeTable(place[0], l1);
                    raised[0] = image.raise(tree);
                    requireRaised(raised[0]);
                    tree.clearCopied(); // Has no meaning yet, but is about to.
                    image.commit();
                },
                () -> {
                    if (raised[0]) {
                        image.lower(tree);
                    }
                    image.giveBack();
                });
        image.change(
                () -> {
                    header.switchDisk(size, l1.length, place[0]);
                    image.lower(image.tree("old L1 table", old));
                    image.free(oldPlace, (long) old.length * Long.BYTES);
                    image.finish();
                });
    }

    private long neededEntries(Snapshot snapshot) {
        long size = snapshot.info().diskLength();
        long needed = size < 0 ? Long.MAX_VALUE : image.geometry().l1EntriesFor(size);
        if (needed > HeaderCodec.L1_BYTES_MAX / Long.BYTES || size % Geometry.SECTOR != 0) {
            throw new BlockException.Corrupt(
                    name,
                    "snapshot table",
                    header.get().snapshotsOffset(),
                    "snapshot %s is of a disk of %s bytes"
                            .formatted(snapshot.info().id(), Long.toUnsignedString(size)));
        }
        return needed;
    }

    // ---- delete

    void delete(Snapshot snapshot) {
        List<Snapshot> others = new ArrayList<>(table.snapshots());
        others.remove(snapshot);
        long[] saved = image.l1Of(snapshot);
        ClusterTree tree = image.tree(snapshot.l1Name(), saved);
        long[] l1 = image.activeL1();
        long[] place = {0};
        image.prepare(
                () -> {
                    place[0] = writeTable(others);
                    image.commit();
                });
        image.setDirty(true);
        image.change(
                () -> {
                    switchTo(others.size(), place[0]);
                    image.lower(tree);
                    image.free(snapshot.l1Offset(), (long) saved.length * Long.BYTES);
                    image.finish();
                    own(l1);
                    image.setDirty(false);
                });
    }

    /** What the active state has for itself again may be overwritten in place. */
    private void own(long[] l1) {
        image.tree("L1 table", l1).setCopied(image.refcounts());
        for (int i = 0; i < l1.length; i++) {
            long offset = L2Entry.hostOffset(l1[i]);
            boolean alone =
                    offset != 0
                            && image.refcounts().get(image.geometry().clusterIndex(offset)) == 1;
            l1[i] = offset | (alone ? L2Entry.COPIED : 0);
        }
        image.file().event(BlockEvent.L1_UPDATE);
        image.writeTable(header.get().l1TableOffset(), l1);
        image.flush();
    }

    // ---- the table

    /** Finds a snapshot by its id, else by its name. */
    Snapshot find(String idOrName) {
        return table.find(idOrName).orElseThrow(() -> none(idOrName));
    }

    /** Finds a snapshot by its id. */
    Snapshot withId(String id) {
        return table.snapshots().stream()
                .filter(each -> each.info().id().equals(id))
                .findFirst()
                .orElseThrow(() -> none(id));
    }

    private BlockException none(String wanted) {
        return new BlockException.Media(
                name,
                "snapshot table",
                header.get().snapshotsOffset(),
                "there is no snapshot '" + wanted + "'",
                ENOENT,
                null);
    }

    private static final int ENOENT = 2;

    /** Writes a new table; returns where to. */
    private long writeTable(List<Snapshot> snapshots) {
        byte[] bytes = SnapshotTable.encode(name, snapshots);
        long place = image.take(bytes.length);
        if (bytes.length > 0) {
            image.file().write(place, MemorySegment.ofArray(bytes), Durability.CACHED);
        }
        return place;
    }

    /** Q6: the new table is stable. */
    private void switchTo(int count, long place) {
        long old = header.get().snapshotsOffset();
        header.switchSnapshots(count, place);
        image.free(old, table.bytes());
    }
}
