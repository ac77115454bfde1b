package dev.gaur.cli;

import dev.gaur.graph.BlockDevice;
import dev.gaur.graph.ChainOpener;
import dev.gaur.graph.OpenRequest;
import dev.gaur.job.JobControl;

/** Opens images for commands that work on whole disks. */
final class Disks {
    private Disks() {}

    /** Opens an image for reading; an empty format is found by probing. */
    static BlockDevice open(String name, String format) {
        return open(name, format, false);
    }

    /** Opens an image for reading, perhaps although somebody is writing it. */
    static BlockDevice open(String name, String format, boolean shared) {
        return open(name, format, shared, "");
    }

    /** Opens an image for reading, or an internal snapshot of it. */
    static BlockDevice open(String name, String format, boolean shared, String snapshot) {
        OpenRequest request =
                OpenRequest.READ.withFormat(format).withShared(shared).withSnapshot(snapshot);
        return ChainOpener.open(name, request);
    }

    /** Returns how long a disk's backing file is, 0 if it has none. */
    static long backingLength(BlockDevice disk) {
        return disk.layers().size() < 2 ? 0 : disk.layers().get(1).length();
    }

    /** Makes what shows a job's progress and warnings. */
    static JobControl control(Invocation call, Progress progress) {
        return new JobControl() {
            @Override
            protected void progress(long done, long total) {
                progress.update(done, total);
            }

            @Override
            protected void warning(String text) {
                call.warn(text);
            }
        };
    }
}
