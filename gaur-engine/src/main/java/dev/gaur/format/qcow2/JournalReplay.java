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
 * Makes the counts of an image true that was not closed, by its journal. All reading and writing is
 * bounded by the journal's length. What is not as it must be ends it, and a whole repair follows:
 * until then nothing was written but words of counts and of the refcount table.
 *
 * <p>A crash meanwhile leaves an image that can be replayed again: what counts will be goes to the
 * journal before it goes to its place.
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
    private long work;

    private JournalReplay(StorageNode file, Header header, JournalPlace place) {
        this.file = file;
        this.header = new LiveHeader(file, header);
        this.geometry = header.geometry();
        this.counted = !header.has(Header.DATA_FILE);
        this.ring = new JournalRing(file, place);
        this.l1 = Tables.readEntries(file, "L1 table", header.l1TableOffset(), header.l1Entries());
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
        boolean counts =
                header.version() >= 3
                        && header.cryptMethod() == 0
                        && header.has(Header.DIRTY)
                        && !header.has(Header.CORRUPT)
                        && (header.autoclear() & Header.JOURNAL_VALID) != 0;
        Optional<JournalPlace> place =
                JournalPlace.of(header)
                        .filter(it -> it.isPossible(header.geometry(), file.length()));
        if (!counts || place.isEmpty()) {
            return false;
        }
        try {
            new JournalReplay(file, header, place.get()).replay();
            return true;
        } catch (Refused | BlockException.Corrupt | BlockException.Unsupported _) {
            return false;
        }
    }

    private void replay() throws Refused {
        Optional<List<long[]>> blocks = ring.read();
        if (blocks.isEmpty()) {
            throw new Refused("nothing in it is whole");
        }
        findMetadata();
        putWords(blocks.get().getFirst());
        for (long[] block : blocks.get().subList(1, blocks.get().size())) {
            forEachRecord(block, this::note);
        }
        Refcounts counts = new Refcounts(file, header, metadata, health(), CACHE_BYTES);
        addDifference();
        change(counts);
        finish(counts);
    }

    private static final long CACHE_BYTES = 1L << 40; // All that it needs stay in memory.

    private Health health() {
        return new Health(file.name(), header);
    }

    // ---- what must not be written to

    private void findMetadata() throws Refused {
        Refcounts before = new Refcounts(file, header, new ClusterSet(), health(), 0);
        new MetadataPlaces(file, header.get(), metadata).addAll(l1, before);
        JournalPlace place = ring.place();
        long first = geometry.clusterIndex(place.offset());
        if (metadata.containsAny(first, geometry.clustersFor(place.length()))) {
            throw new Refused("it lies where metadata is");
        }
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
        Header now = header.get();
        long tableAt = now.refcountTableOffset();
        long tableBytes = geometry.clusterOffset(now.refcountTableClusters());
        int entries = (int) (tableBytes / Long.BYTES);
        long[] table = Tables.readEntries(file, "refcount table", tableAt, entries);
        Set<Long> places = new HashSet<>();
        Arrays.stream(table).map(it -> it & RefcountBlock.OFFSET_MASK).forEach(places::add);
        places.remove(0L); // There is none; and the header lies there.
        List<long[]> runs = new ArrayList<>();
        forEachRecord(
                block,
                (kind, words, from, end) -> {
                    if (kind != JournalRecords.WORDS || end - from != 3) {
                        throw new Refused("it begins with something else than counts");
                    }
                    long[] run = Arrays.copyOfRange(words, from, end);
                    runs.add(run);
                    if (run[0] >= tableAt && run[0] < tableAt + tableBytes) {
                        checkBlock(run, places);
                    }
                });
        for (long[] run : runs) {
            long at = run[0];
            boolean ofTable = at >= tableAt && at < tableAt + tableBytes;
            long cluster = at < 0 ? 0 : geometry.alignDown(at);
            long left = cluster + geometry.clusterSize() - at;
            boolean legal = at > 0 && at % Long.BYTES == 0 && run[1] > 0;
            if (!legal || run[1] > left / Long.BYTES || !(ofTable || places.contains(cluster))) {
                throw new Refused("counts are somewhere else");
            }
        }
        runs.forEach(this::put);
        if (!runs.isEmpty()) {
            file.flush(); // What replaces them in the journal says only what differs from them.
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

    private void put(long[] run) {
        MemorySegment bytes = MemorySegment.ofArray(new byte[(int) run[1] * Long.BYTES]);
        for (long at = 0; at < bytes.byteSize(); at += Long.BYTES) {
            Bytes.putU64(bytes, at, run[2]);
        }
        file.write(run[0], bytes, Durability.CACHED);
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
        long entries = geometry.clusterOffset(header.get().refcountTableClusters()) / Long.BYTES;
        if (length != 2 || index < 0 || index >= entries) {
            throw new Refused("there is no such refcount block");
        }
        if (isInside(cluster)) { // Else the file's new length was lost, and all that needs it.
            newBlocks.putIfAbsent((int) index, cluster);
        }
    }

    /** Adds references to clusters, which all lie in the file. */
    private void add(long first, long count, boolean more) throws Refused {
        boolean possible =
                count > 0
                        && count <= CLUSTERS_PER_ENTRY * geometry.l2Entries()
                        && isInside(first)
                        && isInside(first + count - 1);
        if (!possible) {
            throw new Refused("a cluster is not in the file");
        }
        deltas.add(first, count, more);
    }

    /** Adds what the tables refer to now, as far as that may be another than it was. */
    private void addDifference() throws Refused {
        int sliceBytes = geometry.sliceEntries() * geometry.l2EntrySize();
        for (long number : slices) { // So that the disk reads all at once.
            long table = tableOffset(geometry.l1IndexOfSlice(number));
            if (table != 0) {
                file.prefetch(table + geometry.sliceOffset(number), sliceBytes);
            }
        }
        for (int index : tables) {
            long place = tableOffset(index);
            if (place != 0) {
                add(geometry.clusterIndex(place), 1, true);
            }
        }
        for (int index : newTables) {
            addEntries(tableOffset(index), 0, geometry.l2Entries());
        }
        for (long number : slices) {
            long table = tableOffset(geometry.l1IndexOfSlice(number));
            addEntries(table, geometry.sliceOffset(number), geometry.sliceEntries());
        }
    }

    private long tableOffset(int l1Index) throws Refused {
        long offset = L2Entry.hostOffset(l1[l1Index]);
        if (!geometry.isAligned(offset)) {
            throw new Refused("an L2 table is not aligned");
        }
        return offset;
    }

    private void addEntries(long table, long from, int entries) throws Refused {
        if (table == 0 || !counted) {
            return;
        }
        int wordsEach = geometry.l2EntrySize() / Long.BYTES;
        long[] words = Tables.readEntries(file, "L2 table", table + from, entries * wordsEach);
        ReferenceRuns runs = new ReferenceRuns(geometry);
        for (int i = 0; i < words.length; i += wordsEach) {
            runs.addEntry(words[i]);
        }
        long[] found = runs.words();
        for (int i = 0; i < found.length; i += 2) {
            add(found[i], found[i + 1], true);
        }
    }

    // ---- the end

    /** Changes counts in memory. */
    private void change(Refcounts counts) throws Refused {
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
        deltas.prefetch(counts, file, geometry);
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

    private void finish(Refcounts counts) throws Refused {
        JournalRecords changes = counts.changes();
        if (!ring.canStart(changes)) {
            throw new Refused("the counts have no room in it");
        }
        if (counts.writeNewBlocks()) {
            file.flush();
        }
        ring.start(changes);
        file.flush(); // And what tables have now stays.
        counts.writeBack();
        file.flush();
        header.closeJournal(ring.place());
    }
}
