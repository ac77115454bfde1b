package dev.gaur.format.qcow2;

import dev.gaur.block.BlockException;
import dev.gaur.block.StorageNode;
import dev.gaur.format.CheckListener;
import dev.gaur.format.CheckReport;
import dev.gaur.format.Checker;
import dev.gaur.format.qcow2.CheckLog.Place;

/**
 * Checks an image: counts all references to each cluster, compares with the stored counts, and the
 * COPIED flags with these. Verdict, counters and lines are QEMU's, in its order; where QEMU does
 * not open an image with broken bitmaps, this reports them.
 *
 * <p>All tables are read from the file, past the cache of an open image, which may hold the same
 * damage. Memory grows with the clusters that are in use ({@link ReferenceCounts}), never with what
 * a field of the image claims. Nothing is written.
 */
final class ConsistencyCheck implements Checker {
    /** QEMU counts clusters in an int. */
    private static final long CLUSTERS_MAX = Integer.MAX_VALUE;

    private static final int EFBIG = 27;
    private static final int ENOSPC = 28;

    private final StorageNode storage;
    private final Header header;

    /** What is done to an image, and can end early. */
    @FunctionalInterface
    interface Work {
        CheckReport run(MetadataReader reader) throws SnapshotScan.Unusable;
    }

    /**
     * @param storage the image file
     * @param header its header; snapshot table and refcount table need not be legal
     */
    ConsistencyCheck(StorageNode storage, Header header) {
        this.storage = storage;
        this.header = header;
    }

    @Override
    public CheckReport check(CheckListener listener) {
        CheckLog log = new CheckLog(listener);
        return guarded(storage, header, log, reader -> check(reader, log));
    }

    /** Does some work; if it ends early, makes a report of what was found until then. */
    static CheckReport guarded(StorageNode storage, Header header, CheckLog log, Work work) {
        MetadataReader reader = new MetadataReader(storage);
        try {
            long clusters = header.geometry().clustersFor(reader.length());
            if (clusters > CLUSTERS_MAX) {
                log.checkError(
                        Place.of("", -1), "ERROR the file has too many clusters: " + clusters);
                return failed("File too large", log);
            }
            return work.run(reader);
        } catch (SnapshotScan.Unusable unusable) {
            log.checkError(Place.of("snapshot table", header.snapshotsOffset()), unusable.text());
            return failed(unusable.failure(), log);
        } catch (BlockException.Media unreadable) {
            log.checkError(
                    Place.of(unreadable.structure(), unreadable.offset()),
                    "ERROR: " + unreadable.getMessage());
            return failed(systemText(unreadable.errno()), log);
        } catch (CheckLog.Cancelled _) {
            return failed("Operation canceled", log);
        }
    }

    private static String systemText(int errno) {
        return switch (errno) {
            case EFBIG -> "File too large";
            case ENOSPC -> "No space left on device";
            default -> "Input/output error";
        };
    }

    /** The report of what ended early. */
    static CheckReport failed(String failure, CheckLog log) {
        return CheckReport.failed(failure, log.checkErrors(), log.corruptions());
    }

    private CheckReport check(MetadataReader reader, CheckLog log) throws SnapshotScan.Unusable {
        SnapshotScan snapshots =
                SnapshotScan.read(reader, header, log, SnapshotScan.TABLE_BYTES_MAX);
        ReferenceScan scan = new ReferenceScan(reader, header, snapshots, false, log);
        scan.countContent();
        scan.countSnapshotTable();
        scan.countRefcounts();
        scan.refcounts().compare();
        if (scan.trees().isCopiedSuspect()) {
            new CopiedCheck(reader, header, scan, log, null).run();
        }
        return scan.report(scan.refcounts().highestCluster());
    }
}
