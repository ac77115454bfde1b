package dev.gaur.verify.check;

import dev.gaur.DiskImage;
import dev.gaur.Gaur;
import dev.gaur.OpenOptions;
import dev.gaur.format.SnapshotInfo;
import dev.gaur.storage.OpenPolicy;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Path;
import java.util.List;

/** All that a guest sees of an image: the active state and each snapshot, as Gaur reads them. */
final class Content {
    private Content() {}

    static byte[] of(Path image) throws IOException {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        List<SnapshotInfo> snapshots;
        try (DiskImage disk = Gaur.open(image, options())) {
            snapshots = disk.info().snapshots();
            copy(disk, out);
        }
        for (SnapshotInfo each : snapshots) {
            try (DiskImage disk = Gaur.open(image, options().withSnapshot(each.id()))) {
                copy(disk, out);
            }
        }
        return out.toByteArray();
    }

    private static OpenOptions options() {
        return OpenOptions.DEFAULT.withFormat("qcow2").withPolicy(OpenPolicy.followLocalFiles());
    }

    private static void copy(DiskImage disk, ByteArrayOutputStream out) throws IOException {
        try (InputStream in = disk.inputStream(0, disk.size())) {
            in.transferTo(out);
        }
    }
}
