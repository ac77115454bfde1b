package dev.gaur.format.qcow2;

import dev.gaur.format.SnapshotInfo;
import dev.gaur.format.Snapshots;
import java.util.List;
import java.util.function.Function;
import java.util.function.LongConsumer;
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
    private final LongConsumer requireResizable;

    /**
     * @param requireResizable throws if the disk cannot become so long
     */
    ImageSnapshots(Alone alone, Supplier<SnapshotTable> table, LongConsumer requireResizable) {
        this.requireResizable = requireResizable;
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
                    SnapshotTable.Snapshot snapshot = change.find(idOrName);
                    long length = snapshot.info().diskLength();
                    if (length != image.header().get().virtualSize()) {
                        requireResizable.accept(length);
                    }
                    change.apply(snapshot);
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
