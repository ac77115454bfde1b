package dev.gaur.format.qcow2;

import dev.gaur.block.BlockException;
import dev.gaur.block.Durability;
import dev.gaur.block.StorageNode;
import dev.gaur.mem.Bytes;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;

/**
 * Finds the counts of an image that was not closed, by its journal. All reading and writing is
 * bounded by the journal's length. What is not as it must be ends it, and a whole repair follows:
 * until then nothing was written but words of counts and of the refcount table.
 *
 * <p>Who goes on to change the image needs them in memory, and goes on with the journal as it is:
 * nothing is written. Else they go to the file. A crash meanwhile leaves an image that can be
 * replayed again: what counts will be goes to the journal before it goes to its place.
 *
 * <p>For one thread.
 *
 * <p>Source: {@code docs/JOURNAL.md}.
 */
final class JournalReplay {
    /** The journal is not to be believed. */
    private static final class Refused extends Exception {
        private static final long serialVersionUID = 1;

        Refused(String why) {
            super(why, null, false, false);
        }
    }

    private final StorageNode file;
    private final LiveHeader header;
    private final Health health;
    private final Geometry geometry;
    private final boolean counted;
    private final JournalRing ring;
    private final long[] l1;
    private final ClusterSet metadata = new ClusterSet();
    private final CountDeltas deltas = new CountDeltas();
    private final Map<Integer, Long> newBlocks = new HashMap<>();
    private final Set<Integer> tables = new HashSet<>();
    private final Set<Integer> newTables = new HashSet<>();
    private final Set<Long> slices = new TreeSet<>();
    private Refcounts counts; // those in the file, until they change
    private boolean hasWords;
    private final long[] entries = new long[ScatteredReads.BYTES_MAX / Long.BYTES];
    private boolean lostBlock;
    private long work;

    private JournalReplay(StorageNode file, LiveHeader live, JournalPlace place, Health health) {
        Header now = live.get();
        this.file = file;
        this.header = live;
        this.health = health;
        this.geometry = now.geometry();
        this.counted = !now.has(Header.DATA_FILE);
        this.ring = new JournalRing(file, place);
        file.prefetch(now.refcountTableOffset(), tableBytes());
        this.l1 = Tables.readEntries(file, "L1 table", now.l1TableOffset(), now.l1Entries());
        this.counts = readCounts();
    }

    private long tableBytes() {
        return geometry.clusterOffset(header.get().refcountTableClusters());
    }

    private Refcounts readCounts() {
        return new Refcounts(file, header, metadata, health, CACHE_BYTES);
    }

    /** The place of a journal that counts. */
    private static Optional<JournalPlace> place(StorageNode file, Header header) {
        boolean counts =
                header.version() >= 3
                        && header.cryptMethod() == 0
                        && header.has(Header.DIRTY)
                        && !header.has(Header.CORRUPT)
                        && (header.autoclear() & Header.JOURNAL_VALID) != 0;
        return JournalPlace.of(header)
                .filter(it -> counts && it.isPossible(header.geometry(), file.length()));
    }

    /**
     * Replays the journal of an image, if it has one that counts.
     *
     * @param file writable and nobody else's meanwhile
     * @param header its header
     * @return whether counts are true now and the image is not dirty any more
     * @throws BlockException.Media if the file could not be read or written
     */
    static boolean run(StorageNode file, Header header) {
        Optional<JournalPlace> place = place(file, header);
        if (place.isEmpty()) {
            return false;
        }
        LiveHeader live = new LiveHeader(file, header);
        try {
            Health health = new Health(file.name(), live);
            JournalReplay replay = new JournalReplay(file, live, place.get(), health);
            replay.replay();
            replay.finish();
            return true;
        } catch (Refused | BlockException.Corrupt | BlockException.Unsupported _) {
            return false;
        }
    }

    /**
     * Replays the journal of an image that is to be changed, if it has one that counts. All that
     * counts were found by is stable when this returned.
     *
     * @param live its header as it is in the file
     * @param cacheBytes bound for counts in memory that the file has
     * @return the counts, and the journal, which is in force; empty if there was none, or if counts
     *     are in the file now and the image is not dirty any more
     * @throws BlockException.Media if the file could not be read or written
     */
    static Optional<CountState> resume(
            StorageNode file, LiveHeader live, Health health, long cacheBytes) {
        Optional<JournalPlace> place = place(file, live.get());
        if (place.isEmpty()) {
            return Optional.empty();
        }
        try {
            JournalReplay replay = new JournalReplay(file, live, place.get(), health);
            replay.replay();
            if (replay.isAtEnd()) {
                return Optional.of(replay.goOn(cacheBytes));
            }
            replay.finish();
        } catch (Refused | BlockException.Corrupt | BlockException.Unsupported _) {
            // All counts are repaired.
        }
        return Optional.empty();
    }

    private void replay() throws Refused {
        Optional<List<long[]>> blocks = ring.read();
        if (blocks.isEmpty()) {
            throw new Refused("nothing in it is whole");
        }
        for (long[] block : blocks.get().subList(1, blocks.get().size())) {
            forEachRecord(block, this::note);
        }
        ScatteredReads noted = slicesNow();
        // All that follows up to the counts needs less than the disk does for them.
        noted.takePresent((_, bytes) -> addEntries(bytes));
        findMetadata();
        putWords(blocks.get().getFirst());
        addTables();
        noted.forEach((_, bytes) -> addEntries(bytes));
        counts.beginPieces();
        change();
    }

    private static final long CACHE_BYTES = 1L << 40; // All that it needs stay in memory.

    // ---- what must not be written to

    private void findMetadata() throws Refused {
        addMetadata();
        JournalPlace place = ring.place();
        long first = geometry.clusterIndex(place.offset());
        if (metadata.containsAny(first, geometry.clustersFor(place.length()))) {
            throw new Refused("it lies where metadata is");
        }
    }

    private void addMetadata() {
        new MetadataPlaces(file, header.get(), metadata).addAll(l1, counts);
    }

    private boolean isInside(long cluster) {
        return cluster > 0 && cluster < geometry.clustersFor(file.length());
    }

    private boolean isOfRing(long cluster) {
        long offset = geometry.clusterOffset(cluster);
        JournalPlace place = ring.place();
        return offset >= place.offset() && offset < place.offset() + place.length();
    }

    /** Whether a cluster in the file is nothing but, perhaps, data. */
    private boolean isNobodys(long cluster) {
        return isInside(cluster) && !isOfRing(cluster) && !metadata.contains(cluster);
    }

    // ---- records

    /** Takes one record. */
    @FunctionalInterface
    private interface Taker {
        void take(int kind, long[] words, int from, int end) throws Refused;
    }

    private static void forEachRecord(long[] words, Taker taker) throws Refused {
        for (int at = 0; at < words.length; ) {
            long length = JournalRecords.length(words[at]);
            if (length >= words.length - at) {
                throw new Refused("a record is cut off");
            }
            int end = at + 1 + (int) length;
            taker.take(JournalRecords.kind(words[at]), words, at + 1, end);
            at = end;
        }
    }

    // ---- the counts from which all begins

    /** Puts words in their places: the same however often. */
    private void putWords(long[] block) throws Refused {
        List<long[]> runs = new ArrayList<>();
        forEachRecord(
                block,
                (kind, words, from, end) -> {
                    if (kind != JournalRecords.WORDS || end - from != 3) {
                        throw new Refused("it begins with something else than counts");
                    }
                    runs.add(Arrays.copyOfRange(words, from, end));
                });
        if (runs.isEmpty()) {
            return;
        }
        hasWords = true;
        checkPlaces(runs);
        runs.forEach(run -> file.prefetch(run[0], run[1] * Long.BYTES));
        runs.removeIf(this::isThere);
        if (!runs.isEmpty()) {
            file.flush(); // What says so, before anything is as it says.
            runs.forEach(run -> file.write(run[0], bytes(run), Durability.CACHED));
            counts = readCounts();
            addMetadata(); // There may be more blocks.
        }
    }

    private void checkPlaces(List<long[]> runs) throws Refused {
        Header now = header.get();
        long tableAt = now.refcountTableOffset();
        long tableEnd = tableAt + tableBytes();
        Set<Long> places = new HashSet<>();
        for (long place : counts.blockOffsets()) {
            places.add(place);
        }
        places.remove(0L); // There is none; and the header lies there.
        for (long[] run : runs) {
            if (run[0] >= tableAt && run[0] < tableEnd) {
                checkBlock(run, places);
            }
        }
        for (long[] run : runs) {
            long at = run[0];
            boolean ofTable = at >= tableAt && at < tableEnd;
            long cluster = at < 0 ? 0 : geometry.alignDown(at);
            long left = cluster + geometry.clusterSize() - at;
            boolean legal = at > 0 && at % Long.BYTES == 0 && run[1] > 0;
            if (!legal || run[1] > left / Long.BYTES || !(ofTable || places.contains(cluster))) {
                throw new Refused("counts are somewhere else");
            }
        }
    }

    /** A refcount block's place that the table shall get. */
    private void checkBlock(long[] run, Set<Long> places) throws Refused {
        long place = run[2];
        boolean known = places.contains(place);
        boolean legal =
                run[1] == 1
                        && geometry.isAligned(place)
                        && (known || isNobodys(geometry.clusterIndex(place)));
        if (!legal) {
            throw new Refused("a refcount block is where it cannot be");
        }
        places.add(place);
    }

    private static MemorySegment bytes(long[] run) {
        MemorySegment bytes = MemorySegment.ofArray(new byte[(int) run[1] * Long.BYTES]);
        for (long at = 0; at < bytes.byteSize(); at += Long.BYTES) {
            Bytes.putU64(bytes, at, run[2]);
        }
        return bytes;
    }

    /** Whether the file has what shall be there, perhaps not stable. */
    private boolean isThere(long[] run) {
        MemorySegment wanted = bytes(run);
        if (run[0] > file.length() - wanted.byteSize()) {
            return false;
        }
        MemorySegment present = MemorySegment.ofArray(new byte[(int) wanted.byteSize()]);
        file.read(run[0], present);
        return wanted.mismatch(present) < 0;
    }

    // ---- what has changed since

    private void note(int kind, long[] words, int from, int end) throws Refused {
        if (end == from) {
            throw new Refused("a record is empty");
        }
        switch (kind) {
            case JournalRecords.SLICE -> noteSlice(words, from, end);
            case JournalRecords.TABLE -> noteTable(words[from], words[end - 1], end - from);
            case JournalRecords.BLOCK -> noteBlock(words[from], words[end - 1], end - from);
            default -> throw new Refused("there is a record of an unknown kind");
        }
    }

    private void noteSlice(long[] words, int from, int end) throws Refused {
        long number = words[from];
        long slicesMax = (long) l1.length * geometry.slicesPerTable();
        if (number < 0 || number >= slicesMax || (end - from) % 2 == 0) {
            throw new Refused("there is no such slice");
        }
        if (newTables.contains(geometry.l1IndexOfSlice(number)) || !slices.add(number)) {
            return; // It was noted before.
        }
        addWork((long) geometry.sliceEntries() * geometry.l2EntrySize());
        long references = 0;
        for (int i = from + 1; i < end; i += 2) {
            add(words[i], words[i + 1], false);
            references += words[i + 1];
        }
        if (references > CLUSTERS_PER_ENTRY * geometry.sliceEntries()) {
            throw new Refused("a slice has more references than room");
        }
    }

    /** A compressed stream lies in two at most. */
    private static final long CLUSTERS_PER_ENTRY = 2;

    private void addWork(long bytes) throws Refused {
        work += bytes;
        if (work > Journal.WORK_MAX) {
            throw new Refused("there is too much in it");
        }
    }

    private void noteTable(long index, long old, int length) throws Refused {
        if (length != 2 || index < 0 || index >= l1.length || !geometry.isAligned(old)) {
            throw new Refused("there is no such table");
        }
        if (!tables.add((int) index)) {
            return;
        }
        if (old == 0) {
            newTables.add((int) index);
            addWork(geometry.clusterSize());
        } else {
            add(geometry.clusterIndex(old), 1, false);
        }
    }

    private void noteBlock(long index, long cluster, int length) throws Refused {
        long entries = tableBytes() / Long.BYTES;
        if (length != 2 || index < 0 || index >= entries) {
            throw new Refused("there is no such refcount block");
        }
        if (isInside(cluster)) { // Else the file's new length was lost, and all that needs it.
            newBlocks.putIfAbsent((int) index, cluster);
        } else {
            lostBlock = true;
        }
    }

    /** Adds references to clusters, which all lie in the file. */
    private void add(long first, long count, boolean more) throws Refused {
        boolean possible =
                count > 0 && count <= RUN_MAX && isInside(first) && isInside(first + count - 1);
        if (!possible) {
            throw new Refused("a cluster is not in the file");
        }
        deltas.add(first, count, more);
    }

    /** What is read of tables at once refers to no more; a slice does not either. */
    private static final long RUN_MAX = CLUSTERS_PER_ENTRY * ScatteredReads.BYTES_MAX / Long.BYTES;

    /** The slices that were noted, as they are now. */
    private ScatteredReads slicesNow() throws Refused {
        ScatteredReads reads = new ScatteredReads(file);
        if (!counted) {
            return reads; // They refer to nothing.
        }
        for (int index : newTables) {
            for (int slice = 0; slice < geometry.slicesPerTable(); slice++) {
                addSlice(reads, tableOffset(index), (long) slice * geometry.sliceBytes());
            }
        }
        for (long number : slices) {
            long table = tableOffset(geometry.l1IndexOfSlice(number));
            addSlice(reads, table, geometry.sliceOffset(number));
        }
        return reads;
    }

    private void addSlice(ScatteredReads reads, long table, long inTable) {
        if (table != 0) {
            Tables.checkPresent(file, "L2 table", table + inTable, geometry.sliceBytes());
            reads.add(table + inTable, geometry.sliceBytes());
        }
    }

    private long tableOffset(int l1Index) throws Refused {
        long offset = L2Entry.hostOffset(l1[l1Index]);
        if (!geometry.isAligned(offset)) {
            throw new Refused("an L2 table is not aligned");
        }
        return offset;
    }

    /** Adds the tables to which L1 entries lead now that may have led to others. */
    private void addTables() throws Refused {
        for (int index : tables) {
            long place = tableOffset(index);
            if (place != 0) {
                add(geometry.clusterIndex(place), 1, true);
            }
        }
    }

    /** Adds what a slice refers to now. */
    private void addEntries(MemorySegment bytes) throws Refused {
        int count = (int) (bytes.byteSize() / Long.BYTES);
        Bytes.copyU64(bytes, 0, entries, 0, count);
        ReferenceRuns runs = new ReferenceRuns(geometry);
        runs.addAll(entries, count, geometry.l2EntrySize() / Long.BYTES);
        long[] found = runs.words();
        for (int i = 0; i < found.length; i += 2) {
            add(found[i], found[i + 1], true);
        }
    }

    // ---- the end

    /** Changes counts in memory. */
    private void change() throws Refused {
        List<Long> added = new ArrayList<>();
        for (Map.Entry<Integer, Long> each : newBlocks.entrySet()) {
            int index = each.getKey();
            long cluster = each.getValue();
            long there = counts.blockOffset(index);
            if (there == 0 && isNobodys(cluster)) {
                counts.addBlock(index, cluster);
                added.add(cluster);
            } else if (there != geometry.clusterOffset(cluster)) {
                throw new Refused("there is another refcount block");
            }
        }
        added.forEach(cluster -> counts.add(cluster, 1, 1)); // Perhaps in each other.
        deltas.sum();
        deltas.load(counts);
        deltas.applyTo(counts);
        for (long cluster : newBlocks.values()) {
            if (counts.get(cluster) != 1) {
                throw new Refused("a refcount block has two owners");
            }
        }
        long first = geometry.clusterIndex(ring.place().offset());
        long clusters = geometry.clustersFor(ring.place().length());
        for (long cluster = first; cluster < first + clusters; cluster++) {
            if (counts.get(cluster) != 0) {
                throw new Refused("somebody else has its place");
            }
        }
    }

    /** Brings the counts to the file, and closes the journal. */
    private void finish() throws Refused {
        JournalRecords changes = counts.changes();
        if (!ring.canStart(changes)) {
            throw new Refused("the counts have no room in it");
        }
        if (counts.writeNewBlocks() || hasWords) {
            file.flush(); // What comes now does not say those words again.
        }
        ring.start(changes);
        file.flush(); // And what tables have now stays.
        counts.writeBack();
        file.flush();
        header.closeJournal(ring.place());
    }

    /** Whether more can be noted behind what is. */
    private boolean isAtEnd() {
        return !ring.isCut() && !lostBlock;
    }

    private CountState goOn(long cacheBytes) {
        health.flush(file); // Q3: what nothing refers to any more may be used now.
        counts.endPieces(cacheBytes);
        JournalPlace place = ring.place();
        metadata.add(geometry.clusterIndex(place.offset()), geometry.clustersFor(place.length()));
        Journal.Noted noted =
                new Journal.Noted(ring, slices, tables, newTables, work, deltas.lessReferenced());
        return new CountState(header, health, counts, metadata, Optional.of(noted));
    }
}
