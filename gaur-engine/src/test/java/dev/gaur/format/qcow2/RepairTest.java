package dev.gaur.format.qcow2;

import static dev.gaur.format.qcow2.DamagedImages.assertDataIntact;
import static dev.gaur.format.qcow2.DamagedImages.damaged;
import static dev.gaur.format.qcow2.DamagedImages.withData;
import static dev.gaur.format.qcow2.DamagedImages.withSnapshot;
import static dev.gaur.format.qcow2.TinyImage.BLOCK;
import static dev.gaur.format.qcow2.TinyImage.CLUSTER;
import static dev.gaur.format.qcow2.TinyImage.DATA;
import static dev.gaur.format.qcow2.TinyImage.L1;
import static dev.gaur.format.qcow2.TinyImage.L2;
import static dev.gaur.format.qcow2.TinyImage.TABLE;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gaur.block.BlockException;
import dev.gaur.block.StorageNode;
import dev.gaur.format.CheckFinding;
import dev.gaur.format.CheckListener;
import dev.gaur.format.CheckReport;
import dev.gaur.format.RepairMode;
import dev.gaur.storage.memory.MemoryStorage;
import dev.gaur.testkit.FailingStorage;
import dev.gaur.testkit.FixedSizeStorage;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

/** One test for each kind of damage, each fault during a repair, and what a repair must not do. */
class RepairTest {
    private static final long COPIED = L2Entry.COPIED;
    private static final int DIRTY_AND_CORRUPT = 3;

    /** What became of an image. */
    private record Repaired(CheckReport report, List<CheckFinding> findings, byte[] bytes) {
        List<String> lines() {
            return findings.stream().flatMap(each -> each.text().lines()).toList();
        }

        long u64(int offset) {
            return ByteBuffer.wrap(bytes).getLong(offset);
        }

        byte[] cluster(int offset) {
            return Arrays.copyOfRange(bytes, offset, offset + CLUSTER);
        }
    }

    private static Repaired repair(byte[] image, RepairMode mode) {
        try (MemoryStorage storage = new MemoryStorage("tiny", image)) {
            return repair(storage, mode);
        }
    }

    private static Repaired repair(StorageNode storage, RepairMode mode) {
        List<CheckFinding> findings = new ArrayList<>();
        CheckListener listener =
                new CheckListener() {
                    @Override
                    public void found(CheckFinding finding) {
                        findings.add(finding);
                    }
                };
        Header header = HeaderCodec.readForCheck(storage);
        CheckReport report = new Repair(storage, header).repair(mode, listener);
        return new Repaired(report, findings, bytes(storage));
    }

    private static byte[] bytes(StorageNode storage) {
        byte[] bytes = new byte[(int) storage.length()];
        storage.read(0, MemorySegment.ofArray(bytes));
        return bytes;
    }

    private static CheckReport check(byte[] image) {
        try (MemoryStorage storage = new MemoryStorage("tiny", image)) {
            Header header = HeaderCodec.readForCheck(storage);
            return new ConsistencyCheck(storage, header).check(CheckListener.NONE);
        }
    }

    /** Repairs all, and finds nothing thereafter. */
    private static Repaired repairAll(TinyImage image, int corruptions, int leaks) {
        Repaired repaired = repair(image.toBytes(), RepairMode.ALL);
        assertEquals("", repaired.report().failure());
        assertEquals(corruptions, repaired.report().corruptionsFixed(), "corruptions fixed");
        assertEquals(leaks, repaired.report().leaksFixed(), "leaks fixed");
        assertTrue(repaired.report().isClean(), () -> repaired.lines().toString());
        CheckReport again = check(repaired.bytes());
        assertTrue(again.isClean(), again::toString);
        assertEquals(again.imageEndOffset(), repaired.report().imageEndOffset());
        return repaired;
    }

    @Test
    void soundImageIsNotTouched() {
        byte[] sound = withData().toBytes();
        assertArrayEquals(sound, repair(sound, RepairMode.ALL).bytes());
        assertArrayEquals(sound, repair(sound, RepairMode.LEAKS).bytes());
    }

    @Test
    void leakIsFreedInBothModes() {
        TinyImage image = withData().entry(1, 0);
        List<String> lines =
                List.of(
                        "Leaked cluster 6 refcount=1 reference=0",
                        "Repairing cluster 6 refcount=1 reference=0");
        assertEquals(lines, repairAll(image, 0, 1).lines());
        Repaired leaks = repair(image.toBytes(), RepairMode.LEAKS);
        assertEquals(lines, leaks.lines());
        assertTrue(check(leaks.bytes()).isClean());
        assertTrue(leaks.findings().getLast().repaired());
    }

    @Test
    void countTooHighIsLoweredBeforeFlagsAreLookedAt() {
        repairAll(withData().count(5, 2), 0, 1);
    }

    @Test
    void countTooLowIsRaisedAndTheFlagsFollow() {
        TinyImage image = withData().entry(1, DATA | COPIED);
        Repaired repaired = repairAll(image, 3, 1);
        assertEquals(DATA, repaired.u64(L2));
        assertEquals(DATA, repaired.u64(L2 + 8));
        Repaired leaks = repair(image.toBytes(), RepairMode.LEAKS);
        assertEquals(1, leaks.report().leaksFixed());
        assertEquals(1, leaks.report().corruptions());
    }

    @Test
    void leaksModeRepairsFlagsOnlyIfNothingElseIsWrong() {
        Repaired alone = repair(withData().entry(0, DATA).toBytes(), RepairMode.LEAKS);
        assertEquals(1, alone.report().corruptionsFixed());
        TinyImage withMore = withData().entry(0, DATA).entry(3, 4);
        Repaired more = repair(withMore.toBytes(), RepairMode.LEAKS);
        assertEquals(0, more.report().corruptionsFixed());
        assertEquals(2, more.report().corruptions());
    }

    @Test
    void lostCountIsRebuiltElsewhere() {
        TinyImage image = withData().count(6, 0);
        Repaired repaired = repairAll(image, 1, 0);
        assertTrue(repaired.lines().contains("Rebuilding refcount structure"));
        assertTrue(repaired.u64(48) >= 7 * CLUSTER, "the table is behind everything");
        assertArrayEquals(
                Arrays.copyOfRange(image.toBytes(), CLUSTER, 7 * CLUSTER),
                Arrays.copyOfRange(repaired.bytes(), CLUSTER, 7 * CLUSTER),
                "nothing but the header has changed");
    }

    @Test
    void leaksModeDoesNotRebuild() {
        byte[] broken = withData().count(6, 0).toBytes();
        Repaired repaired = repair(broken, RepairMode.LEAKS);
        assertEquals("Input/output error", repaired.report().failure());
        assertEquals(1, repaired.report().checkErrors());
        assertArrayEquals(broken, repaired.bytes());
    }

    @Test
    void everyBrokenRefcountStructureIsRebuilt() {
        Map<String, TinyImage> broken = new TreeMap<>();
        broken.put("no block", withData().put(TABLE, 0));
        broken.put("unaligned block", withData().put(TABLE, BLOCK + 512));
        broken.put("reserved bits", withData().put(TABLE, BLOCK | 1));
        broken.put("block behind the end", withData().put(TABLE, 100 * CLUSTER));
        broken.put("another behind the end", withData().put(TABLE + 8, 100 * CLUSTER));
        broken.put("block twice", withData().put(TABLE + 8, BLOCK));
        broken.put("block is the table", withData().put(TABLE, TABLE));
        broken.put("block is data", withData().put(TABLE, DATA));
        broken.put("block is the L1 table", withData().put(TABLE, L1));
        broken.put("block is the header", withData().put(TABLE + 16, 511));
        broken.put("wild block", withData().put(TABLE + 80, 0x7fff_ffff_ffff_f000L));
        broken.put("table is elsewhere", withData().put(48, L1));
        broken.put("table behind the end", withData().put(48, 1L << 40));
        broken.put("no table", withData().put32(56, 0));
        broken.forEach(
                (name, image) -> {
                    Repaired repaired = repair(image.toBytes(), RepairMode.ALL);
                    assertTrue(repaired.report().isClean(), name + repaired.lines());
                    assertTrue(check(repaired.bytes()).isClean(), name);
                    assertDataIntact(repaired.bytes());
                    assertArrayEquals(
                            Arrays.copyOfRange(image.toBytes(), L1, 7 * CLUSTER),
                            Arrays.copyOfRange(repaired.bytes(), L1, 7 * CLUSTER),
                            name);
                });
    }

    @Test
    void illegalPlaceWithoutDataIsForgotten() {
        TinyImage image = withData().entry(1, (DATA + CLUSTER + 512) | COPIED | L2Entry.ZERO);
        Repaired repaired = repairAll(image, 1, 1);
        assertEquals(L2Entry.ZERO, repaired.u64(L2 + 8));
        CheckFinding finding = repaired.findings().getFirst();
        assertTrue(finding.repaired());
        assertEquals(CLUSTER, finding.guestOffset());
    }

    @Test
    void tableThatIsSomethingElseIsNotWrittenTo() {
        TinyImage image =
                withData()
                        .entry(1, (DATA + CLUSTER + 512) | COPIED | L2Entry.ZERO)
                        .entry(0, L2 | COPIED);
        Repaired repaired = repair(image.toBytes(), RepairMode.ALL);
        byte[] before = image.toBytes();
        assertArrayEquals(Arrays.copyOfRange(before, L2, L2 + CLUSTER), repaired.cluster(L2));
        assertTrue(repaired.report().corruptions() > 0);
        assertEquals(0, repaired.report().leaksFixed(), "what was not found may be in use");
    }

    @Test
    void leaksOfAnIncompleteImageAreKept() {
        TinyImage image = withData().put(L1, (L2 + 512) | COPIED); // The table is lost.
        for (RepairMode mode : RepairMode.values()) {
            Repaired repaired = repair(image.toBytes(), mode);
            assertEquals(0, repaired.report().leaksFixed());
            assertTrue(repaired.report().leaks() >= 1);
        }
        Repaired rebuilt = repair(image.put(TABLE + 8, 1).toBytes(), RepairMode.ALL);
        long block = rebuilt.u64((int) rebuilt.u64(48));
        assertEquals(0x0001_0001_0001_0001L, rebuilt.u64((int) block + 6), "kept by a rebuild");
    }

    @Test
    void marksAreClearedIfNothingRemains() {
        TinyImage image = withData().put(72, DIRTY_AND_CORRUPT).entry(1, 0);
        assertEquals(0, repairAll(image, 0, 1).u64(72));
        Repaired unrepairable = repair(image.entry(3, 4).toBytes(), RepairMode.ALL);
        assertEquals(DIRTY_AND_CORRUPT, unrepairable.u64(72));
    }

    @Test
    void unknownAutoclearBitsAreClearedAheadOfTheFirstChange() {
        TinyImage image = withData().put(88, 0x300);
        assertEquals(0x300, repair(image.toBytes(), RepairMode.ALL).u64(88));
        assertEquals(0, repair(image.entry(1, 0).toBytes(), RepairMode.ALL).u64(88));
    }

    @Test
    void storageThatCannotGrowIsUsedInBetween() {
        TinyImage image = withData().count(6, 0).resize(12 * CLUSTER);
        try (MemoryStorage real = new MemoryStorage("device", image.toBytes());
                FixedSizeStorage device = new FixedSizeStorage(real)) {
            Repaired repaired = repair(device, RepairMode.ALL);
            assertTrue(repaired.report().isClean(), () -> repaired.lines().toString());
            assertTrue(check(repaired.bytes()).isClean());
            assertDataIntact(repaired.bytes());
        }
        byte[] full = withData().count(6, 0).toBytes();
        try (MemoryStorage real = new MemoryStorage("device", full);
                FixedSizeStorage device = new FixedSizeStorage(real)) {
            Repaired repaired = repair(device, RepairMode.ALL);
            assertEquals("No space left on device", repaired.report().failure());
            assertArrayEquals(full, repaired.bytes());
        }
    }

    /** What lay behind the end of a file that was cut must not become part of something else. */
    @Test
    void newStructuresKeepClearOfWhatIsReferencedBehindTheEnd() {
        TinyImage image = withData().count(6, 0).entry(2, (7 * CLUSTER) | COPIED);
        image.entry(3, (9 * CLUSTER) | COPIED);
        Repaired repaired = repair(image.toBytes(), RepairMode.ALL);
        assertTrue(repaired.u64(48) >= 10 * CLUSTER, () -> Long.toHexString(repaired.u64(48)));
        assertDataIntact(repaired.bytes());
        CheckReport again = check(repaired.bytes());
        assertTrue(again.isClean(), again::toString);
    }

    @Test
    void wildReferencesDoNotMakeTheFileHuge() {
        TinyImage image = withData().count(6, 0).entry(2, (1L << 50) | COPIED);
        Repaired repaired = repair(image.toBytes(), RepairMode.ALL);
        assertTrue(repaired.bytes().length < 1 << 20);
        assertEquals(1, repaired.report().corruptions());
        assertEquals(
                2, repaired.report().corruptionsFixed(), "the count and the wild entry's flag");
    }

    // ---- snapshots

    @Test
    void shortSnapshotEntryGetsItsFields() {
        Repaired repaired = repairAll(withSnapshot(0, 0), 1, 0);
        int table = (int) repaired.u64(64);
        ByteBuffer entry = ByteBuffer.wrap(repaired.cluster(table));
        assertEquals(16, entry.getInt(36));
        assertEquals(1234, entry.getLong(40));
        assertEquals(10 * CLUSTER, entry.getLong(48));
        assertEquals('7', entry.get(56));
        assertEquals('n', entry.get(57));
    }

    @Test
    void longSnapshotEntryIsCut() {
        Repaired repaired = repairAll(withSnapshot(2000, 2000), 1, 0);
        int table = (int) repaired.u64(64);
        ByteBuffer entry = ByteBuffer.wrap(repaired.cluster(table));
        assertEquals(1024, entry.getInt(36));
        assertEquals('7', entry.get(40 + 1024));
    }

    @Test
    void snapshotTableAndCountsAreReplacedByOneWrite() {
        TinyImage image = withSnapshot(0, 0).count(6, 0);
        Repaired repaired = repairAll(image, 2, 0);
        assertDataIntact(repaired.bytes());
    }

    // ---- faults

    @Test
    void everyFaultLeavesAnImageThatIsNoWorseAndCanBeRepaired() {
        damaged()
                .forEach(
                        (name, image) -> {
                            int faults = 0;
                            while (failsAt(name, image.toBytes(), faults)) {
                                faults++;
                            }
                            assertTrue(faults >= 2, name + ": only " + faults + " changes");
                        });
    }

    /** Lets only {@code changes} succeed; returns whether one failed. */
    private static boolean failsAt(String name, byte[] image, int changes) {
        String what = name + ", " + changes + " changes succeed";
        try (MemoryStorage real = new MemoryStorage("tiny", image);
                FailingStorage failing = new FailingStorage(real, changes)) {
            CheckReport before = check(image);
            Repaired first = repair(failing, RepairMode.ALL);
            assertEquals(failing.hasFailed(), !first.report().failure().isEmpty(), what);
            assertDataIntact(first.bytes());
            CheckReport between = check(first.bytes());
            assertTrue(between.corruptions() <= before.corruptions() + 1, what + between);
            Repaired second = repair(real, RepairMode.ALL);
            assertDataIntact(second.bytes());
            boolean clean = check(second.bytes()).isClean();
            boolean possible = check(repair(image, RepairMode.ALL).bytes()).isClean();
            assertEquals(possible, clean, what + second.lines());
            return failing.hasFailed();
        }
    }

    @Test
    void cancelledRepairCanBeDoneAgain() {
        damaged()
                .forEach(
                        (name, image) -> {
                            int questions = 0;
                            while (isCancelledAt(name, image.toBytes(), questions)) {
                                questions++;
                            }
                            assertTrue(questions >= 2, name + ": asked " + questions);
                        });
    }

    /** Cancels at a question; returns whether it was asked. */
    private static boolean isCancelledAt(String name, byte[] image, int question) {
        int[] asked = {0};
        CheckListener listener =
                new CheckListener() {
                    @Override
                    public boolean isCancelled() {
                        return asked[0]++ == question;
                    }
                };
        try (MemoryStorage storage = new MemoryStorage("tiny", image)) {
            Repair repair = new Repair(storage, HeaderCodec.readForCheck(storage));
            CheckReport report = repair.repair(RepairMode.ALL, listener);
            boolean cancelled = !report.failure().isEmpty();
            assertEquals(asked[0] > question, cancelled, name);
            assertDataIntact(bytes(storage));
            repair.repair(RepairMode.ALL, CheckListener.NONE);
            assertDataIntact(bytes(storage));
            return cancelled;
        }
    }

    // ---- opening

    @Test
    void dirtyImageIsRepairedAsItIsOpened() {
        TinyImage image = withData().put(72, Header.DIRTY).entry(1, 0).count(5, 0);
        try (MemoryStorage storage = image.storage()) {
            Header header = Repair.onOpen(storage, HeaderCodec.read(storage));
            assertFalse(header.has(Header.DIRTY));
            assertTrue(check(bytes(storage)).isClean());
            assertDataIntact(bytes(storage));
        }
    }

    /** The file became longer, and of that only the count is there: nobody would give it back. */
    @Test
    void dirtyImageCountsNothingBehindItsEnd() {
        TinyImage image = withData().put(72, Header.DIRTY);
        int end = image.toBytes().length / CLUSTER;
        image.count(end, 1).count(end + 2, 2);
        try (MemoryStorage storage = image.storage()) {
            Repair.onOpen(storage, HeaderCodec.read(storage));
            storage.resize((end + 3L) * CLUSTER);
            assertTrue(check(bytes(storage)).isClean());
            assertDataIntact(bytes(storage));
        }
    }

    /** What leads there is no space that was lost. */
    @Test
    void dirtyImageThatWasCutKeepsItsCounts() {
        TinyImage image = withData().put(72, Header.DIRTY);
        int end = image.toBytes().length / CLUSTER;
        image.entry(3, COPIED | (end + 2L) * CLUSTER).count(end + 2, 1);
        try (MemoryStorage storage = image.storage()) {
            Header header = HeaderCodec.read(storage);
            assertThrows(BlockException.Corrupt.class, () -> Repair.onOpen(storage, header));
            storage.resize((end + 3L) * CLUSTER);
            assertTrue(check(bytes(storage)).isClean());
        }
    }

    @Test
    void cleanImageIsNotLookedAt() {
        TinyImage image = withData().entry(1, 0);
        try (MemoryStorage storage = image.storage()) {
            Header header = HeaderCodec.read(storage);
            assertEquals(header, Repair.onOpen(storage, header));
            assertArrayEquals(image.toBytes(), bytes(storage));
        }
    }

    @Test
    void dirtyImageThatCannotBeRepairedIsRefusedAndStaysDirty() {
        TinyImage image = withData().put(72, Header.DIRTY).entry(3, 4);
        try (MemoryStorage storage = image.storage()) {
            Header header = HeaderCodec.read(storage);
            BlockException refused =
                    assertThrows(
                            BlockException.Corrupt.class, () -> Repair.onOpen(storage, header));
            assertTrue(refused.getMessage().contains("1 errors remain"), refused::getMessage);
            assertTrue(HeaderCodec.read(storage).has(Header.DIRTY));
        }
    }
}
