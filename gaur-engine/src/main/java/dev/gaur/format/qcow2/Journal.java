package dev.gaur.format.qcow2;

import dev.gaur.block.BlockException;
import dev.gaur.block.Durability;
import dev.gaur.block.StorageNode;
import dev.gaur.block.ZeroMode;
import java.security.SecureRandom;
import java.util.HashSet;
import java.util.Set;

/**
 * The journal of an image open for writing. While it is in force counts stay in memory, those in
 * the file are of some moment before, and the file has for each slice of an L2 table that has
 * changed since what it referred to at that moment. So whoever finds the image after a crash gets
 * all counts by taking those references off, and adding the ones that the slices have now, whatever
 * part of the changes they have.
 *
 * <p>It begins with the first commit that links anything. When much is noted, a checkpoint brings
 * the counts to the file and begins the other half: first their words to the journal, then to their
 * places.
 *
 * <p>What is noted before a commit is stable before the L2 entries of that commit are (Q1). When
 * counts must be written at another time, or there is too much to note, the journal is not in force
 * any more until the next checkpoint: the image is merely dirty.
 *
 * <p>Locks: its monitor guards what was noted; taken last. One thread at a time does all else: who
 * commits, or is alone.
 *
 * <p>Source: {@code docs/JOURNAL.md}.
 */
final class Journal implements CountJournal {
    /** So many bytes of tables may have to be read after a crash before a checkpoint is due. */
    private static final long WORK_DUE = 4L << 20;

    /** So many may have to be read at all. */
    static final long WORK_MAX = 4 * WORK_DUE;

    private static final SecureRandom GENERATIONS = new SecureRandom();

    private enum State {
        /** There is none: all is as it would be without. */
        OFF,
        /** Nothing is in the file, whose counts are true. */
        NEW,
        /** In force. */
        VALID,
        /** Not in force; the dirty bit is set. */
        LEFT
    }

    /**
     * What was noted and is not in the file yet.
     *
     * @param records of changes
     * @param tables of which slices were noted, by L1 index
     * @param blocks whether there are new refcount blocks
     */
    record Notes(JournalRecords records, Set<Integer> tables, boolean blocks) {}

    /**
     * What the file has of a journal that is in force, all of it stable.
     *
     * @param ring where it is
     * @param slices that were noted
     * @param tables of which an L1 entry was noted
     * @param newTables those of them that did not exist
     * @param work how many bytes of tables a replay reads
     * @param freed how many references are gone, at least
     */
    record Noted(
            JournalRing ring,
            Set<Long> slices,
            Set<Integer> tables,
            Set<Integer> newTables,
            long work,
            long freed) {}

    private final StorageNode file;
    private final LiveHeader header;
    private final Geometry geometry;
    private final ClusterAllocator allocator;
    private final ClusterSet metadata;
    private final Health health;
    private final boolean counted;
    private volatile State state;
    private volatile boolean due;
    private JournalRing ring; // with no place until there is one

    private Notes notes = noNotes(); // guarded by this, as all below
    private final Set<Long> slices = new HashSet<>();
    private final Set<Integer> changedTables = new HashSet<>();
    private final Set<Integer> newTables = new HashSet<>();
    private long work;
    private long freed;

    /** Makes one that is off unless the header wants one. */
    Journal(
            StorageNode file,
            LiveHeader header,
            ClusterAllocator allocator,
            ClusterSet metadata,
            Health health) {
        this.file = file;
        this.header = header;
        this.geometry = header.get().geometry();
        this.allocator = allocator;
        this.metadata = metadata;
        this.health = health;
        this.counted = !header.get().has(Header.DATA_FILE);
        JournalPlace place = JournalPlace.of(header.get()).orElse(JournalPlace.NONE);
        this.ring = new JournalRing(file, place.closed());
        this.state = JournalPlace.isWanted(header.get()) ? State.NEW : State.OFF;
    }

    /** Goes on with one that is in force. */
    void resume(Noted noted) {
        JournalPlace place = noted.ring().place();
        allocator.hold(geometry.clusterIndex(place.offset()), geometry.clustersFor(place.length()));
        ring = noted.ring();
        state = State.VALID;
        synchronized (this) {
            slices.addAll(noted.slices());
            changedTables.addAll(noted.tables());
            newTables.addAll(noted.newTables());
            addWork(noted.work());
            freed(noted.freed());
            due |= ring.isHalfFull();
        }
    }

    private static Notes noNotes() {
        return new Notes(new JournalRecords(), new HashSet<>(), false);
    }

    /** Tells whether counts are to be written as if there were none. */
    boolean isOff() {
        return state == State.OFF;
    }

    /** Tells whether a checkpoint would be good. */
    boolean isDue() {
        return due;
    }

    // ---- what is noted; under the lock of the mapping or of the allocator

    private boolean isNoting() {
        return state == State.NEW || state == State.VALID;
    }

    /** Notes a slice that is about to change. */
    void sliceChanges(long number, TableSlice old) {
        if (isNoting()) {
            noteSlice(number, old);
        }
    }

    private synchronized void noteSlice(long number, TableSlice old) {
        int l1Index = geometry.l1IndexOfSlice(number);
        if (!isNoting() || newTables.contains(l1Index) || !slices.add(number)) {
            return;
        }
        ReferenceRuns runs = new ReferenceRuns(geometry);
        if (counted && old != TableSlice.EMPTY) {
            runs.addAll(old);
        }
        notes.records().slice(number, runs);
        notes.tables().add(l1Index);
        addWork((long) geometry.sliceEntries() * geometry.l2EntrySize());
    }

    /** Notes that an L1 entry is about to lead to another table. */
    synchronized void tableChanges(int l1Index, long old) {
        if (!isNoting() || !changedTables.add(l1Index)) {
            return;
        }
        notes.records().table(l1Index, old);
        if (old == 0) {
            newTables.add(l1Index);
            addWork(geometry.clusterSize());
        }
    }

    private void addWork(long bytes) {
        work += bytes;
        due |= work > WORK_DUE;
    }

    @Override
    public synchronized void blockAdded(int index, long cluster) {
        if (isNoting()) {
            notes.records().block(index, cluster);
            notes = new Notes(notes.records(), notes.tables(), true);
        }
    }

    /** Says how many references were freed, which makes counts differ all over the image. */
    synchronized void freed(long references) {
        freed += references;
        due |= freed > FREED_DUE && isNoting();
    }

    private static final int FREED_DUE = 8192;

    @Override
    public boolean keepsCounts() {
        return isNoting();
    }

    @Override
    public void countsEscape() {
        leave();
    }

    /** Takes what was noted, for a commit of all changes until now. */
    synchronized Notes take() {
        Notes taken = notes;
        notes = noNotes();
        return taken;
    }

    /** Puts back what a commit did not bring to the file. */
    synchronized void putBack(Notes taken) {
        taken.records().addAll(notes.records());
        taken.tables().addAll(notes.tables());
        notes = new Notes(taken.records(), taken.tables(), taken.blocks() || notes.blocks());
    }

    // ---- commits

    /**
     * Writes what was noted, before a commit's links; off or not is decided when it returned.
     *
     * @param links whether there are any
     */
    void write(Notes taken, boolean links) {
        if (state == State.NEW && links) {
            begin();
        }
        if (state != State.VALID || taken.records().isEmpty()) {
            return;
        }
        if (!ring.canAppend(taken.records()) || isTooMuch()) {
            leave();
            return;
        }
        ring.append(taken.records());
        if (ring.isHalfFull()) { // Not by "or": another thread may set it meanwhile.
            due = true;
        }
    }

    private synchronized boolean isTooMuch() {
        return work > WORK_MAX / 2;
    }

    private void begin() {
        if (!takePlace()) {
            if (state == State.NEW) {
                state = State.OFF;
            }
            return;
        }
        ring.start(new JournalRecords());
        health.flush(file);
        health.orFail(() -> header.openJournal(ring.place()));
        state = State.VALID;
    }

    /** Gets room in the file, unless there is none. */
    private boolean takePlace() {
        if (ring.place().isOpen()) {
            return true; // Of an attempt that failed.
        }
        long length = ring.place().newLength(geometry);
        long clusters = geometry.clustersFor(length);
        long first = allocator.hold(clusters);
        if (first < 0) {
            return false;
        }
        long offset = geometry.clusterOffset(first);
        try {
            file.zero(offset, length, ZeroMode.KEEP, Durability.CACHED);
        } catch (BlockException.Media _) { // Full: it goes without.
            allocator.release();
            return false;
        }
        metadata.add(first, clusters);
        ring = new JournalRing(file, new JournalPlace(offset, length, GENERATIONS.nextLong()));
        return true;
    }

    /** Is not in force any more; from then on the file may get any counts. */
    private synchronized void leave() {
        switch (state) {
            case NEW -> health.orFail(() -> header.setIncompatible(Header.DIRTY, true));
            case VALID -> health.orFail(() -> header.setJournalValid(false));
            case OFF, LEFT -> {
                return;
            }
        }
        state = State.LEFT;
        due = true;
    }

    // ---- while nobody changes anything, and all but counts is stable

    /**
     * Brings counts to the file, and forgets what was noted until now. If that fails it is not in
     * force any more: which half would be is known to nobody. It may be called again.
     */
    void checkpoint(Refcounts counts) {
        if (state == State.VALID) {
            try {
                switchHalf(counts);
            } catch (BlockException failed) {
                leave();
                throw failed;
            }
        }
        if (state == State.LEFT) {
            counts.writeBack();
            health.flush(file);
            again();
        }
        forget();
    }

    /** Writes the counts to the other half and then to their places, or is left. */
    private void switchHalf(Refcounts counts) {
        JournalRecords changes = counts.changes();
        if (!ring.canStart(changes)) {
            leave();
            return;
        }
        if (counts.writeNewBlocks()) {
            health.flush(file); // Before anything leads there.
        }
        ring.start(changes);
        health.flush(file);
        counts.setJournal(NONE);
        try {
            counts.writeBack();
        } finally {
            counts.setJournal(this);
        }
    }

    private void again() {
        // Not by the ring: it may have a place from an attempt that failed.
        if (!JournalPlace.of(header.get()).map(JournalPlace::isOpen).orElse(false)) {
            begin();
            return;
        }
        ring.start(new JournalRecords());
        health.flush(file);
        header.setJournalValid(true);
        state = State.VALID;
    }

    private synchronized void forget() {
        notes = noNotes();
        slices.clear();
        changedTables.clear();
        newTables.clear();
        work = 0;
        freed = 0;
        due = false;
    }

    /** Brings all counts to the file, stable, and gives the journal's place back. */
    void end(Refcounts counts) {
        if (state == State.VALID) {
            switchHalf(counts);
        }
        counts.setJournal(NONE);
        if (state != State.VALID) {
            counts.writeBack();
        }
        health.flush(file);
        if (state == State.VALID || state == State.LEFT) {
            header.closeJournal(ring.place());
        }
        state = State.OFF;
        forget();
        if (ring.place().isOpen()) {
            JournalPlace place = ring.place();
            metadata.remove(
                    geometry.clusterIndex(place.offset()), geometry.clustersFor(place.length()));
            allocator.release();
            ring = new JournalRing(file, place.closed());
        }
    }
}
