package dev.gaur.format.qcow2;

import dev.gaur.format.SnapshotInfo;
import dev.gaur.format.Snapshots;
import java.util.List;
import java.util.function.Function;
import java.util.function.Supplier;

/** The snapshots of an image open for writing; each change is made while nothing else happens. */
final class ImageSnapshots implements Snapshots {
    /** Runs work on the whole image. */
    @FunctionalInterface
    interface Alone {
        /**
         * Returns what the work does.
         *
         * @param exchanges whether any byte of the disk may be another one then
         */
        <T> T run(boolean exchanges, Function<WholeImage, T> work);
    }

    private final Alone alone;
    private final Supplier<SnapshotTable> table;

    ImageSnapshots(Alone alone, Supplier<SnapshotTable> table) {
        this.alone = alone;
        this.table = table;
    }

    @Override
    public List<SnapshotInfo> list() {
        return table.get().infos();
    }

    @Override
    public SnapshotInfo create(SnapshotInfo wish) {
        return alone.run(false, image -> new SnapshotChange(image).create(wish));
    }

    @Override
    public void apply(String idOrName) {
        alone.run(
                true,
                image -> {
                    var change = new SnapshotChange(image);
                    change.apply(change.find(idOrName));
                    return idOrName;
                });
    }

    @Override
    public void delete(String id) {
        alone.run(
                false,
                image -> {
                    var change = new SnapshotChange(image);
                    change.delete(change.withId(id));
                    return id;
                });
    }
}
