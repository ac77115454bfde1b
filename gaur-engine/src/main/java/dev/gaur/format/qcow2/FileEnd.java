package dev.gaur.format.qcow2;

import dev.gaur.block.BlockException;
import dev.gaur.block.StorageNode;

/** Where the file ends: makes it longer by steps, and cuts it again. Not safe for many threads. */
final class FileEnd {
    /** Host offsets have 56 bits. */
    private static final long OFFSET_MAX = 1L << 56;

    /** "File too large", as Linux numbers it. */
    private static final int EFBIG = 27;

    /** The file grows by an eighth of itself, within these bounds. */
    private static final long STEP_MIN = 1L << 20;

    private static final long STEP_MAX = 32L << 20;

    private final StorageNode file;
    private final Geometry geometry;
    private final long lengthBefore;
    private long grownTo;

    FileEnd(StorageNode file, Geometry geometry) {
        this.file = file;
        this.geometry = geometry;
        this.lengthBefore = file.length();
    }

    /** How many clusters the file has, a part of the last one counts. */
    long clusters() {
        return geometry.clustersFor(file.length());
    }

    /** How many clusters it grows by at once where so many are used. */
    long step(long usedClusters) {
        long bytes = Math.clamp(geometry.clusterOffset(usedClusters) / 8, STEP_MIN, STEP_MAX);
        return geometry.clusterIndex(bytes);
    }

    /** Makes the file as long as is best, or as is needed if there is no space for that. */
    long grow(long needed, long best) {
        try {
            grow(best);
            return best;
        } catch (BlockException.Media full) {
            if (best <= needed) {
                throw full;
            }
            grow(needed);
            return needed;
        }
    }

    /**
     * Makes the file end behind a cluster, at least.
     *
     * @throws BlockException.Media if it cannot
     */
    void grow(long endCluster) {
        long end = geometry.clusterOffset(endCluster);
        if (end > OFFSET_MAX) {
            throw new BlockException.Media(
                    file.name(), "", end, "the file is too long for more clusters", EFBIG, null);
        }
        if (file.length() < end) {
            file.resize(end);
        }
        grownTo = end;
    }

    /** Lets a file that was made longer here end behind what is in use, or where it ended. */
    void cut(long usedClusters) {
        if (grownTo > 0 && file.length() == grownTo) {
            cutTo(Math.max(lengthBefore, geometry.clusterOffset(usedClusters)));
        }
        grownTo = 0;
    }

    private void cutTo(long end) {
        try {
            file.resize(end);
        } catch (BlockException.Media _) {
            // A block device cannot, and nothing depends on it.
        }
    }
}
