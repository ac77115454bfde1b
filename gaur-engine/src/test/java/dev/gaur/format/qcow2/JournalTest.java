package dev.gaur.format.qcow2;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gaur.block.BlockException;
import dev.gaur.block.Durability;
import dev.gaur.block.StorageNode;
import dev.gaur.block.ZeroMode;
import dev.gaur.format.Amendment;
import dev.gaur.format.CheckListener;
import dev.gaur.format.Image;
import dev.gaur.format.ImageInfo;
import dev.gaur.format.RepairMode;
import dev.gaur.format.SnapshotInfo;
import dev.gaur.format.qcow2.Kinds.Kind;
import dev.gaur.storage.memory.MemoryStorage;
import dev.gaur.testkit.CountingStorage;
import dev.gaur.testkit.FixedSizeStorage;
import dev.gaur.testkit.FullDisk;
import dev.gaur.testkit.StorageWrapper;
import dev.gaur.testkit.TestBytes;
import java.lang.foreign.MemorySegment;
import java.time.Instant;
import java.util.List;
import java.util.OptionalLong;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** Images with a journal: what the file says while they are open, after a crash and at the end. */
class JournalTest {
    private static final int SIZE = 4 << 20;
    private static final int CLUSTER = 4096;
    private static final long SEED = Long.getLong("gaur.seed", 20261126L);
    private static final Kind KIND = kind(SIZE);

    private final byte[] model = new byte[SIZE];

    private static Kind kind(long size) {
        Qcow2CreateOptions options = Qcow2CreateOptions.ofSize(size).withClusterSize(CLUSTER);
        return new Kind("journal", options.withJournal(true), 0);
    }

    private static boolean isJournalValid(Header header) {
        return (header.autoclear() & Header.JOURNAL_VALID) != 0;
    }

    private static JournalPlace place(StorageNode storage) {
        return JournalPlace.of(HeaderCodec.read(storage)).orElseThrow();
    }

    /** Writes here and there, and says which bytes a copy of the file would show. */
    private void work(Image image, Random random) {
        for (int i = 0; i < 20; i++) {
            Kinds.write(image, model, random);
        }
        int at = random.nextInt(SIZE / CLUSTER / 2) * CLUSTER;
        image.discard(at, 8 * CLUSTER);
        java.util.Arrays.fill(model, at, at + 8 * CLUSTER, (byte) 0);
        image.flush();
    }

    private static void take(Image image, String name) {
        SnapshotInfo wish =
                new SnapshotInfo("", name, Instant.EPOCH, 0, 0, 0, OptionalLong.empty());
        image.snapshots().orElseThrow().create(wish);
    }

    private void assertReads(StorageNode storage) {
        try (Image image = KIND.open(new KeepOpen(storage, false))) {
            assertArrayEquals(model, TestBytes.read(image, 0, SIZE));
        }
    }

    @Test
    void theFileSaysWhetherTheImageIsOpen() {
        MemoryStorage storage = KIND.create();
        assertFalse(place(storage).isOpen());
        assertFalse(HeaderCodec.read(storage).has(Header.DIRTY));
        try (Image image = KIND.open(storage)) {
            assertFalse(place(storage).isOpen(), "opening writes nothing");
            image.write(0, MemorySegment.ofArray(new byte[] {1}), Durability.STABLE);
            assertTrue(place(storage).isOpen());
            assertTrue(HeaderCodec.read(storage).has(Header.DIRTY));
            assertTrue(isJournalValid(HeaderCodec.read(storage)));
        }
        assertFalse(place(storage).isOpen());
        assertFalse(HeaderCodec.read(storage).has(Header.DIRTY));
        assertFalse(isJournalValid(HeaderCodec.read(storage)));
        assertEquals(List.of(), Kinds.findings(storage));
    }

    @Test
    void theJournalTakesNoSpaceOfAClosedImageForGood() {
        MemoryStorage storage = KIND.create();
        long most = 0;
        for (int i = 0; i < 6; i++) {
            try (Image image = KIND.open(storage)) {
                image.write(
                        (long) i * CLUSTER,
                        MemorySegment.ofArray(new byte[] {1}),
                        Durability.STABLE);
            }
            most = Math.max(most, storage.length());
            assertEquals(List.of(), Kinds.findings(storage));
        }
        assertTrue(most < (256 << 10), most + " bytes");
    }

    @Test
    void aCrashIsReplayedAndNothingIsLeaked() {
        Random random = new Random(SEED);
        for (int round = 0; round < 20; round++) {
            java.util.Arrays.fill(model, (byte) 0);
            MemoryStorage storage = KIND.create();
            try (Image image = KIND.open(storage)) {
                work(image, random);
                if (random.nextBoolean()) {
                    take(image, "s");
                }
                work(image, random);
                MemoryStorage left = Kinds.copy(storage);
                assertTrue(JournalReplay.run(left, HeaderCodec.read(left)), "seed " + SEED);
                assertEquals(List.of(), Kinds.findings(left), "seed " + SEED);
                assertFalse(HeaderCodec.read(left).has(Header.DIRTY));
                assertReads(left);
            }
            assertEquals(List.of(), Kinds.findings(storage), "seed " + SEED);
        }
    }

    @Test
    void whoeverClearsItsBitMakesItStale() {
        MemoryStorage storage = KIND.create();
        try (Image image = KIND.open(storage)) {
            work(image, new Random(SEED));
            MemoryStorage left = Kinds.copy(storage);
            new LiveHeader(left, HeaderCodec.read(left)).setAutoclear(0);
            assertFalse(JournalReplay.run(left, HeaderCodec.read(left)));
            try (Image again = KIND.open(left)) {
                again.write(0, MemorySegment.ofArray(new byte[] {1}), Durability.STABLE);
            }
            assertEquals(List.of(), Kinds.findings(left));
        }
    }

    @Test
    void aCheckOfACrashedImageChangesNothingAndARepairReplays() {
        MemoryStorage storage = KIND.create();
        try (Image image = KIND.open(storage)) {
            work(image, new Random(SEED));
            MemoryStorage left = Kinds.copy(storage);
            byte[] before = TestBytes.read(left, 0, (int) left.length());
            assertFalse(Kinds.findings(left).isEmpty(), "counts are stale");
            assertArrayEquals(before, TestBytes.read(left, 0, (int) left.length()));
            Repair repair = new Repair(left, HeaderCodec.readForCheck(left));
            var report = repair.repair(RepairMode.LEAKS, CheckListener.NONE);
            assertTrue(report.isClean(), report::toString);
            assertEquals(List.of(), Kinds.findings(left));
            assertFalse(HeaderCodec.read(left).has(Header.DIRTY));
        }
    }

    @Test
    void openingToReadLeavesACrashedImageAsItIs() {
        MemoryStorage storage = KIND.create();
        try (Image image = KIND.open(storage)) {
            work(image, new Random(SEED));
            MemoryStorage left = Kinds.copy(storage);
            byte[] before = TestBytes.read(left, 0, (int) left.length());
            assertReads(left);
            assertArrayEquals(before, TestBytes.read(left, 0, (int) left.length()));
        }
    }

    /** An image in a new file, whose journal shall have so many bytes. */
    static MemoryStorage withJournalOf(Kind kind, long bytes) {
        MemoryStorage storage = kind.create();
        LiveHeader header = new LiveHeader(storage, HeaderCodec.read(storage));
        byte[] wish = new JournalPlace(0, bytes, 0).encode();
        header.rewrite(edit -> edit.setExtension(HeaderExtension.JOURNAL, wish));
        return storage;
    }

    @Test
    void aFullJournalIsACheckpoint() {
        Random random = new Random(SEED);
        for (int round = 0; round < 10; round++) {
            java.util.Arrays.fill(model, (byte) 0);
            MemoryStorage storage = withJournalOf(KIND, 2 * CLUSTER);
            try (Image image = KIND.open(storage)) {
                JournalPlace first = null;
                for (int i = 0; i < 8; i++) {
                    work(image, random);
                    first = first == null ? place(storage) : first;
                    assertEquals(first, place(storage));
                    assertEquals(2 * CLUSTER, first.length());
                    MemoryStorage left = Kinds.copy(storage);
                    if (isJournalValid(HeaderCodec.read(left))) {
                        assertTrue(JournalReplay.run(left, HeaderCodec.read(left)));
                    } else {
                        Repair.onOpen(left, HeaderCodec.read(left));
                    }
                    assertEquals(List.of(), Kinds.findings(left), "seed " + SEED);
                    assertReads(left);
                }
            }
            assertEquals(2 * CLUSTER, place(storage).length());
            assertEquals(List.of(), Kinds.findings(storage));
        }
    }

    @Test
    void aFileThatCannotGrowHasOneWhereThereIsRoomOrNone() {
        for (int more : new int[] {0, 40 << 10, 1 << 20}) {
            MemoryStorage storage = KIND.create();
            storage.resize(storage.length() + more);
            byte[] bytes = new byte[Math.min(more, 16 << 10)];
            new Random(SEED).nextBytes(bytes);
            try (Image image = KIND.open(new FixedSizeStorage(storage))) {
                image.write(0, MemorySegment.ofArray(bytes), Durability.CACHED);
                image.flush();
                assertEquals(more == 1 << 20, place(storage).isOpen(), more + " bytes more");
                assertArrayEquals(bytes, TestBytes.read(image, 0, bytes.length));
            }
            assertEquals(List.of(), Kinds.findings(storage));
        }
    }

    /** Counts flushes. */
    private static final class Flushes extends StorageWrapper {
        private int count;

        Flushes(StorageNode real) {
            super(real);
        }

        @Override
        public void flush() {
            count++;
            super.flush();
        }

        @Override
        public void write(long offset, MemorySegment source, Durability durability) {
            count += durability == Durability.STABLE ? 1 : 0;
            super.write(offset, source, durability);
        }
    }

    private static int flushes(boolean journal, boolean snapshot, boolean sequential) {
        int size = 64 << 20;
        Qcow2CreateOptions options = Qcow2CreateOptions.ofSize(size).withJournal(journal);
        MemoryStorage storage = new Kind("", options, 0).create();
        Flushes counting = new Flushes(storage);
        Random random = new Random(SEED);
        try (Image image = KIND.open(counting)) {
            if (snapshot) {
                for (int at = 0; at < size; at += 64 << 10) {
                    image.write(at, MemorySegment.ofArray(new byte[512]), Durability.CACHED);
                }
                take(image, "s");
            }
            counting.count = 0;
            for (int i = 0; i < 1000; i++) {
                int cluster = sequential ? i : random.nextInt(size >> 16);
                image.write(
                        (long) cluster << 16,
                        MemorySegment.ofArray(new byte[4096]),
                        Durability.CACHED);
                image.flush();
            }
            return counting.count;
        }
    }

    @Test
    void thereAreNoMoreFlushesThanWithout() {
        for (boolean snapshot : new boolean[] {false, true}) {
            for (boolean sequential : new boolean[] {false, true}) {
                int without = flushes(false, snapshot, sequential);
                int with = flushes(true, snapshot, sequential);
                // Once: the first block, then the header; the slices' tables are new.
                assertTrue(with <= without + 2, with + " and " + without);
            }
        }
    }

    /** Flushes for writes to an image that has all its tables; so many in each slice. */
    private static int flushesPerSlice(boolean journal, int slices, int each) {
        long coverage = 512L << 16;
        long size = slices * coverage;
        Qcow2CreateOptions options = Qcow2CreateOptions.ofSize(size).withJournal(journal);
        MemoryStorage storage = new Kind("", options, 0).create();
        MemorySegment sector = MemorySegment.ofArray(new byte[512]);
        try (Image image = KIND.open(storage)) {
            for (long at = 0; at < size; at += coverage) {
                image.write(at, sector, Durability.CACHED);
            }
        }
        Flushes counting = new Flushes(storage);
        try (Image image = KIND.open(counting)) {
            for (int i = 1; i <= each; i++) {
                for (long at = 0; at < size; at += coverage) {
                    image.write(at + ((long) i << 16), sector, Durability.CACHED);
                    image.flush();
                }
            }
            return counting.count;
        }
    }

    @Test
    void theFirstChangeOfASliceCostsAFlush() {
        int slices = 50;
        int without = flushesPerSlice(false, slices, 10);
        int with = flushesPerSlice(true, slices, 10);
        assertTrue(with <= without + slices + 2, with + " and " + without);
    }

    @Test
    void replayReadsWhatTheJournalNamesAndNotTheImage() {
        long size = 1L << 40;
        Qcow2CreateOptions options = Qcow2CreateOptions.ofSize(size).withJournal(true);
        Kind kind = new Kind("large", options, 0);
        MemoryStorage storage = kind.create();
        try (Image image = kind.open(storage)) {
            for (long at = 0; at < size; at += size / 200) {
                image.write(at & -512, MemorySegment.ofArray(new byte[512]), Durability.CACHED);
            }
        }
        try (Image image = kind.open(storage)) {
            image.write(1 << 20, MemorySegment.ofArray(new byte[512]), Durability.STABLE);
            image.zero(0, 1, ZeroMode.UNMAP, Durability.STABLE);
            MemoryStorage left = Kinds.copy(storage);
            CountingStorage counting = new CountingStorage(left);
            assertTrue(JournalReplay.run(counting, HeaderCodec.read(left)));
            assertTrue(counting.bytesRead() < (2 << 20), counting.bytesRead() + " bytes");
            assertEquals(List.of(), Kinds.findings(left));
        }
    }

    @Test
    void itCanBeTurnedOnAndOff() {
        Kind plain =
                new Kind("plain", KIND.options().withJournal(false).withLazyRefcounts(true), 0);
        MemoryStorage storage = plain.create();
        try (Image image = plain.open(storage)) {
            work(image, new Random(SEED));
            image.amending().orElseThrow().amend(Amendment.NONE.withJournal(true));
            work(image, new Random(SEED + 1));
            assertTrue(isJournalValid(HeaderCodec.read(storage)));
            assertTrue(((ImageInfo.Qcow2) image.info().details()).journal());
            image.amending().orElseThrow().amend(Amendment.NONE.withJournal(false));
            assertTrue(JournalPlace.of(HeaderCodec.read(storage)).isEmpty());
            work(image, new Random(SEED + 2));
            assertFalse(isJournalValid(HeaderCodec.read(storage)));
            image.amending().orElseThrow().amend(Amendment.NONE.withJournal(true));
            var down = Amendment.NONE.withVersion(2);
            assertThrows(
                    IllegalArgumentException.class,
                    () -> image.amending().orElseThrow().amend(down.withJournal(true)));
            image.amending().orElseThrow().amend(down);
        }
        assertTrue(HeaderCodec.read(storage).extension(HeaderExtension.JOURNAL).isEmpty());
        assertEquals(List.of(), Kinds.findings(storage));
        assertReads(storage);
    }

    @Test
    void version2HasNone() {
        Qcow2CreateOptions options = KIND.options().withVersion(2);
        assertThrows(IllegalArgumentException.class, options::validate);
    }

    /**
     * An image that is not dirty, with its journal of before, as it says, still in force: so
     * somebody leaves it who repairs without looking at bits that he does not know.
     */
    private MemoryStorage withStaleJournal(boolean lazy) {
        Kind made = new Kind("stale", KIND.options().withLazyRefcounts(lazy), 0);
        MemoryStorage storage = made.create();
        try (Image image = made.open(storage)) {
            work(image, new Random(SEED));
            MemoryStorage left = Kinds.copy(storage);
            Header before = HeaderCodec.read(left);
            JournalPlace open = place(left);
            new LiveHeader(left, before).setJournalValid(false);
            Repair.onOpen(left, HeaderCodec.read(left));
            assertFalse(HeaderCodec.read(left).has(Header.DIRTY));
            LiveHeader after = new LiveHeader(left, HeaderCodec.read(left));
            after.rewrite(
                    edit -> {
                        edit.setExtension(HeaderExtension.JOURNAL, open.encode());
                        edit.autoclear |= Header.JOURNAL_VALID;
                    });
            return left;
        }
    }

    /** Where there is no room for a journal all is as without, at any moment. */
    @Test
    void withoutRoomCountsAreAsWithoutAJournalAndNoOldOneIsReplayed() {
        for (boolean lazy : new boolean[] {false, true}) {
            java.util.Arrays.fill(model, (byte) 0);
            MemoryStorage storage = withStaleJournal(lazy);
            FullDisk full = new FullDisk(storage);
            full.grow(128 << 10); // For data and tables, but not for growing.
            StorageNode fixed =
                    new StorageWrapper(full) {
                        @Override
                        public void zero(
                                long offset, long length, ZeroMode mode, Durability durability) {
                            if (length >= (64 << 10)) {
                                throw new BlockException.Media(
                                        name(), "", offset, "full", 28, null);
                            }
                            super.zero(offset, length, mode, durability);
                        }
                    };
            Random random = new Random(SEED);
            try (Image image = KIND.open(fixed)) {
                for (int i = 0; i < 12; i++) {
                    int at = random.nextInt(SIZE / CLUSTER) * CLUSTER;
                    byte[] bytes = TestBytes.patchy(random, CLUSTER / 2);
                    image.write(at, MemorySegment.ofArray(bytes), Durability.CACHED);
                    System.arraycopy(bytes, 0, model, at, bytes.length);
                    int gone = random.nextInt(SIZE / CLUSTER) * CLUSTER;
                    image.discard(gone, CLUSTER);
                    java.util.Arrays.fill(model, gone, gone + CLUSTER, (byte) 0);
                    image.flush();
                    MemoryStorage left = Kinds.copy(storage);
                    Header header = HeaderCodec.read(left);
                    assertFalse(isJournalValid(header));
                    assertTrue(i < 6 || lazy == header.has(Header.DIRTY));
                    assertTrue(lazy || !header.has(Header.DIRTY));
                    assertFalse(JournalReplay.run(left, header));
                    if (lazy) {
                        Repair.onOpen(left, header);
                    } else { // What is left of a step is leaked, no more.
                        new Repair(left, header).repair(RepairMode.LEAKS, CheckListener.NONE);
                    }
                    assertEquals(List.of(), Kinds.findings(left), "seed " + SEED);
                    assertReads(left);
                }
            }
            assertEquals(List.of(), Kinds.findings(storage), "seed " + SEED);
            assertFalse(HeaderCodec.read(storage).has(Header.DIRTY));
            assertReads(storage);
        }
    }
}
