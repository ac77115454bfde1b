package dev.gaur.verify.engine;

import dev.gaur.format.Image;
import dev.gaur.format.SnapshotInfo;
import dev.gaur.testkit.DiskModel;
import dev.gaur.verify.zoo.ImageZoo;
import java.nio.file.Path;
import java.util.List;

/**
 * What must hold of an image that something failed in, once it is closed.
 *
 * @param model what its disk may read as
 * @param bitmaps what its bitmaps may be
 */
record AfterFaults(TestImage files, DiskModel model, BitmapHistory bitmaps) {
    /**
     * Fails if anything is lost that was stable, if more is wrong than leaks without the dirty bit,
     * or if the image cannot be used any more.
     *
     * @param qemu whether QEMU is to look at it, too
     */
    void assertSound(boolean qemu) {
        if (assertIntact(qemu)) {
            files.check().assertClean();
        }
    }

    /** The same, but for leaks that a repair of a dirty image leaves; tells whether it was that. */
    boolean assertIntact(boolean qemu) {
        if (qemu && !files.spec().raw()) {
            Path folder = ImageZoo.workshop("fault-" + Thread.currentThread().threadId());
            files.export(folder);
            if (files.wantsRepair()) {
                Qemu.repair(folder);
            }
            Qemu.assertIntact(folder);
        }
        boolean dirty = files.isDirty();
        if (!dirty) {
            files.assertIntactAfterStop();
        }
        List<DiskModel.Snapshot> snapshots;
        BitmapHistory left;
        try (Image image = files.openToRead("")) {
            model.check(image, DiskModel.AFTER_ALL);
            snapshots = model.checkSnapshots(names(image), DiskModel.AFTER_ALL);
            left = new BitmapHistory(bitmaps.check(image, DiskModel.AFTER_ALL));
        }
        checkSnapshots(model, snapshots);
        goOn(snapshots, left);
        files.assertIntactAfterStop();
        return dirty;
    }

    private void checkSnapshots(DiskModel disk, List<DiskModel.Snapshot> snapshots) {
        for (DiskModel.Snapshot each : snapshots) {
            try (Image image = files.openToRead(each.name())) {
                disk.checkSnapshot(each, image);
            }
        }
    }

    private void goOn(List<DiskModel.Snapshot> snapshots, BitmapHistory left) {
        DiskModel rest = files.model();
        try (Session session = Session.of(files, rest, left)) {
            rest.settle(session.image(), snapshots);
            session.run(new Op.Write(700, 3000, 2, false));
            session.run(new Op.Write(5000, 50_000, 3, false));
            session.checkAll();
            session.flush();
        }
        try (Image image = files.openToRead("")) {
            rest.check(image, DiskModel.NOW);
            left.check(image, DiskModel.AFTER_ALL);
        }
        checkSnapshots(rest, snapshots);
    }

    private static List<String> names(Image image) {
        return image.info().snapshots().stream().map(SnapshotInfo::name).toList();
    }
}
