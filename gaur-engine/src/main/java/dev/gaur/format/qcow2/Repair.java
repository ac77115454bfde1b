package dev.gaur.format.qcow2;

import dev.gaur.block.BlockException;
import dev.gaur.block.StorageNode;
import dev.gaur.format.CheckFinding.Severity;
import dev.gaur.format.CheckListener;
import dev.gaur.format.CheckReport;
import dev.gaur.format.RepairMode;
import dev.gaur.format.Repairer;
import dev.gaur.format.qcow2.CheckLog.Place;
import dev.gaur.format.qcow2.CheckLog.Tally;
import dev.gaur.format.qcow2.RefcountRebuild.NewSnapshots;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/**
 * Repairs an image file. What is found is what {@link ConsistencyCheck} finds; then, each step
 * stable before the next begins: entries lose illegal places without data; counts that are too low
 * are raised, or refcount structures made anew; a new snapshot table replaces the old one; counts
 * that are too high are lowered, of a dirty image those behind its end, too; COPIED flags follow
 * the counts; the marks "dirty" and "corrupt" are cleared.
 *
 * <p>So a crash in between leaves counts that are right or too high (invariants Q1, Q3, Q6), and
 * nothing is written where anything else is referenced.
 */
final class Repair implements Repairer {
    private static final int SNAPSHOT_COUNT_FIELD = 56;
    private static final int ENOSPC = 28;
    private static final String NO_SPACE = "No space left on device";

    /** A file that would become longer by more than this factor was not cut: offsets are wild. */
    private static final int GROWTH_MAX = 4;

    /** The file is longer now, and more of it is to be counted. */
    private static final class Again extends RuntimeException {
        private static final long serialVersionUID = 1;

        Again() {
            super("again", null, false, false);
        }
    }

    private final StorageNode storage;
    private Header header;

    /**
     * @param storage the image file, writable and nobody else's meanwhile
     * @param header its header; snapshot table and refcount table need not be legal
     */
    Repair(StorageNode storage, Header header) {
        this.storage = storage;
        this.header = header;
    }

    /**
     * Repairs an image that is being opened for writing and was not closed, so that its counts may
     * be stale. Does nothing to any other.
     *
     * @return the header as it is now
     * @throws BlockException.Media if there was no space for it
     * @throws BlockException.Corrupt if that was not all that is wrong with it; "dirty" is still
     *     set then
     */
    static Header onOpen(StorageNode file, Header header) {
        if (header.has(Header.DIRTY) && JournalReplay.run(file, header)) {
            return HeaderCodec.read(file);
        }
        return withoutJournal(file, header);
    }

    /** The same by all tables, whatever a journal says. */
    static Header withoutJournal(StorageNode file, Header header) {
        if (!header.has(Header.DIRTY)) {
            return header;
        }
        CheckReport report = new Repair(file, header).repair(RepairMode.ALL, CheckListener.NONE);
        if (report.failure().equals(NO_SPACE)) { // It is tried again before the next change.
            throw new BlockException.Media(
                    file.name(), "repair", BlockException.NO_OFFSET, NO_SPACE, ENOSPC, null);
        }
        if (!report.failure().isEmpty() || report.checkErrors() + report.corruptions() > 0) {
            throw new BlockException.Corrupt(
                    file.name(),
                    "image",
                    BlockException.NO_OFFSET,
                    "was not closed, and cannot be repaired: %s; see what 'check' says"
                            .formatted(
                                    report.failure().isEmpty()
                                            ? report.corruptions() + " errors remain"
                                            : report.failure()));
        }
        return HeaderCodec.read(file);
    }

    @Override
    public CheckReport check(CheckListener listener) {
        return new ConsistencyCheck(storage, header).check(listener);
    }

    @Override
    public CheckReport repair(RepairMode mode, CheckListener listener) {
        replay();
        CheckReport report;
        try {
            report = repairOnce(mode, listener);
        } catch (Again _) {
            report = repairOnce(mode, listener);
        }
        header = HeaderCodec.readForCheck(storage);
        return report;
    }

    /** What a journal tells is cheaper than what all tables do; and who writes makes it stale. */
    private void replay() {
        Header now = HeaderCodec.readForCheck(storage);
        if (JournalReplay.run(storage, now)) {
            header = HeaderCodec.readForCheck(storage);
        }
    }

    private CheckReport repairOnce(RepairMode mode, CheckListener listener) {
        CheckLog log = new CheckLog(listener);
        boolean all = mode == RepairMode.ALL;
        return ConsistencyCheck.guarded(
                storage, header, log, reader -> new Run(reader, all, log).run());
    }

    /** One repair. */
    private final class Run {
        private final MetadataReader reader;
        private final MetadataWriter writer;
        private final Geometry geometry;
        private final boolean all;
        private final CheckLog log;
        private final SnapshotScan snapshots;
        private final boolean newSnapshots;
        private final long snapshotCorruptions;
        private final ReferenceScan scan;
        private ReferenceCounts content;
        private boolean oldSnapshotsCounted;
        private boolean changed;

        Run(MetadataReader reader, boolean all, CheckLog log) throws SnapshotScan.Unusable {
            this.reader = reader;
            this.writer = new MetadataWriter(storage, header);
            this.geometry = header.geometry();
            this.all = all;
            this.log = log;
            this.snapshots =
                    all
                            ? SnapshotScan.readForRepair(reader, header, log)
                            : SnapshotScan.read(reader, header, log, SnapshotScan.TABLE_BYTES_MAX);
            this.newSnapshots = all && snapshots.rewrite();
            this.snapshotCorruptions = log.corruptions();
            this.scan = new ReferenceScan(reader, header, snapshots, all, log);
            this.content = scan.counts();
        }

        CheckReport run() {
            scan.countContent();
            if (newSnapshots) {
                content = scan.counts().fork();
                oldSnapshotsCounted = scan.countSnapshotTable();
            } else {
                scan.countSnapshotTable();
                content = scan.counts().fork();
            }
            Tally found = log.tally();
            scan.countRefcounts();
            long refused = repairEntries();
            found = new Tally(found.checkErrors(), found.corruptions() + refused, found.leaks());
            Tally counted = log.tally();
            scan.refcounts().compare();
            if (!all && scan.refcounts().mustRebuild()) {
                log.checkError(
                        Place.of("refcount table", header.refcountTableOffset()),
                        "ERROR need to rebuild refcount structures");
                return ConsistencyCheck.failed("Input/output error", log);
            }
            MemorySegment table = newSnapshots ? newTable() : MemorySegment.NULL;
            long room = newSnapshots ? findRoom(table.byteSize()) : 0;
            if (mustRebuild() || room < 0) {
                rebuild(found, newSnapshots ? table : null);
            } else {
                correctCounts(counted, table, room);
            }
            checkCopied();
            return finish();
        }

        private MemorySegment newTable() {
            return SnapshotRepair.encode(reader, header, snapshots);
        }

        private long repairEntries() {
            if (scan.trees().unaligned() == 0) {
                return 0;
            }
            EntryRepair repair = new EntryRepair(reader, writer, header, scan, log);
            repair.run();
            writer.flush(); // Q3: before the counts of what they pointed to may fall.
            if (repair.refused() > 0) {
                scan.setIncomplete();
            }
            return repair.refused();
        }

        private boolean mustRebuild() {
            RefcountScan refcounts = scan.refcounts();
            return all
                    && (refcounts.mustRebuild()
                            || refcounts.isBlockOutside()
                            || scan.disk().isUnreadable());
        }

        private void rebuild(Tally found, @Nullable MemorySegment table) {
            log.note(Severity.CORRUPTION, "Rebuilding refcount structure");
            log.stopIfCancelled();
            RefcountRebuild rebuild =
                    new RefcountRebuild(
                            storage,
                            reader,
                            writer,
                            header,
                            content,
                            scan.counts(),
                            scan.disk(),
                            !scan.isComplete(),
                            scan.counter().growthMax(),
                            log);
            NewSnapshots replacement =
                    table == null ? null : new NewSnapshots(table, snapshots.entries().size());
            DiskCounts stored;
            try {
                stored = rebuild.run(firstFree(), replacement);
            } catch (RefcountRebuild.NoRoom _) {
                growOverLostEnd();
                throw new Again();
            }
            log.repairedSince(found);
            scan.replace(content, stored);
            changed = true;
        }

        /** Behind all that is known to be used, and that may be. */
        private long firstFree() {
            long first = Math.max(scan.refcounts().highestCluster(), scan.counts().highest()) + 1;
            boolean known = scan.isComplete() && !scan.disk().isUnreadable();
            return known ? first : Math.max(first, geometry.clustersFor(storage.length()));
        }

        /**
         * Makes the file so long that what is referenced behind its end is in it, and can be
         * counted: the only place left is behind that.
         */
        private void growOverLostEnd() {
            long end = geometry.alignUp(scan.counter().beyondEnd());
            if (end <= storage.length() || end / GROWTH_MAX > storage.length()) {
                throw new BlockException.Media(
                        storage.name(),
                        "refcount table",
                        -1,
                        "there is no room for it",
                        ENOSPC,
                        null);
            }
            storage.resize(end);
        }

        /** Corrects what is counted wrongly where it is. */
        private void correctCounts(Tally counted, MemorySegment table, long room) {
            if (scan.refcounts().isDiffering()) {
                log.forgetSince(counted);
                scan.refcounts().announceRepair(all, scan.isComplete());
                changed = true;
            }
            CountRepair repair =
                    new CountRepair(reader, writer, geometry, scan.disk(), scan.counts(), log);
            if (newSnapshots) {
                takeRoom(table, room);
                changed = true;
            }
            if (all && changed) {
                repair.raise();
                writer.flush();
            }
            if (newSnapshots) {
                switchSnapshots(table, room);
            }
            if (changed && scan.isComplete()) {
                repair.lower();
                writer.flush();
            }
            boolean nothingBehind = scan.isComplete() && scan.counter().beyondEnd() == 0;
            if (all && header.has(Header.DIRTY) && nothingBehind) {
                repair.endBehind();
            }
        }

        // ---- the snapshot table

        /**
         * Looks for unused clusters that are counted already, as zero, behind all that is in use.
         *
         * @return the first, 0 if none is needed, or -1 if there are none
         */
        private long findRoom(long bytes) {
            long clusters = geometry.clustersFor(bytes);
            long first = scan.refcounts().highestCluster() + 1;
            for (long cluster = first; cluster < first + clusters; cluster++) {
                long range = geometry.refcountTableIndex(cluster);
                long end = geometry.clusterOffset(cluster + 1);
                if (end > scan.counter().growthMax()
                        || range >= scan.table().length
                        || scan.table()[(int) range] == 0) {
                    return -1;
                }
            }
            return clusters == 0 ? 0 : first;
        }

        private void takeRoom(MemorySegment table, long room) {
            long clusters = geometry.clustersFor(table.byteSize());
            scan.counts().growTo(room + clusters);
            scan.counts().increment(room, clusters);
        }

        private void switchSnapshots(MemorySegment table, long room) {
            if (table.byteSize() > 0) {
                writer.write(geometry.clusterOffset(room), table);
            }
            long count = snapshots.entries().size();
            writer.switchHeader(
                    SNAPSHOT_COUNT_FIELD,
                    (long) header.refcountTableClusters() << Integer.SIZE | count,
                    geometry.clusterOffset(room));
            if (oldSnapshotsCounted && scan.counter().overflows() == 0) {
                forgetOldSnapshots();
            }
        }

        private void forgetOldSnapshots() {
            long first = geometry.clusterIndex(header.snapshotsOffset());
            long end = first + geometry.clustersFor(snapshots.bytes());
            for (long cluster = first; cluster < end; cluster++) {
                scan.counts().decrement(cluster);
            }
        }

        // ---- the end

        private void checkCopied() {
            if (newSnapshots) {
                log.corruptionsRepaired(snapshotCorruptions);
            }
            if (changed || scan.trees().isCopiedSuspect()) {
                boolean repair = all || log.isClean();
                new CopiedCheck(reader, header, scan, log, repair ? writer : null).run();
            }
        }

        private CheckReport finish() {
            writer.flush();
            if (log.checkErrors() == 0 && log.corruptions() == 0) {
                writer.clearIncompatible(Header.DIRTY | Header.CORRUPT);
            }
            boolean exact = changed && scan.isComplete() && log.isClean();
            long highest = exact ? scan.counts().highest() : scan.refcounts().highestCluster();
            return scan.report(highest);
        }
    }
}
