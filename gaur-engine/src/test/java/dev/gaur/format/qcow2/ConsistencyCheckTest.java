package dev.gaur.format.qcow2;

import static dev.gaur.format.qcow2.TinyImage.CLUSTER;
import static dev.gaur.format.qcow2.TinyImage.DATA;
import static dev.gaur.format.qcow2.TinyImage.L1;
import static dev.gaur.format.qcow2.TinyImage.L2;
import static dev.gaur.format.qcow2.TinyImage.TABLE;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gaur.format.CheckFinding;
import dev.gaur.format.CheckReport;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.junit.jupiter.api.Test;

/**
 * One test for each kind of damage. The lines are those of qemu-img 7.2; that they are is shown by
 * the oracle tests, which compare both on the same files.
 */
class ConsistencyCheckTest {
    private static final long COPIED = L2Entry.COPIED;

    private static void assertFinds(TinyImage image, int corruptions, int leaks, String... lines) {
        TinyImage.Outcome outcome = image.check();
        assertEquals(List.of(lines), outcome.lines());
        assertEquals(corruptions, outcome.report().corruptions(), "corruptions");
        assertEquals(leaks, outcome.report().leaks(), "leaks");
        assertEquals("", outcome.report().failure());
    }

    @Test
    void soundImageIsClean() {
        TinyImage.Outcome outcome = new TinyImage().check();
        assertEquals(List.of(), outcome.lines());
        assertEquals(
                new CheckReport("", 0, 0, 0, 7 * CLUSTER, 10, 2, 0, 0, 0, 0), outcome.report());
    }

    @Test
    void countedButUnusedClusterIsLeaked() {
        assertFinds(new TinyImage().entry(1, 0), 0, 1, "Leaked cluster 6 refcount=1 reference=0");
    }

    @Test
    void countTooHighIsALeakAndItsFlagIsWrong() {
        assertFinds(
                new TinyImage().count(5, 2),
                1,
                1,
                "Leaked cluster 5 refcount=2 reference=1",
                "ERROR OFLAG_COPIED data cluster: l2_entry=8000000000005000 refcount=2");
    }

    @Test
    void countsOfSixtyFourBitsHaveNoSign() {
        TinyImage image = new TinyImage().put32(96, 6);
        for (int cluster = 0; cluster < 7; cluster++) {
            image.put(TinyImage.BLOCK + 8 * cluster, cluster == 6 ? -1 : 1);
        }
        assertFinds(
                image,
                1,
                1,
                "Leaked cluster 6 refcount=18446744073709551615 reference=1",
                "ERROR OFLAG_COPIED data cluster: l2_entry=8000000000006000"
                        + " refcount=18446744073709551615");
    }

    @Test
    void countTooLowIsCorruption() {
        assertFinds(
                new TinyImage().entry(1, DATA | COPIED),
                1,
                1,
                "ERROR cluster 5 refcount=1 reference=2",
                "Leaked cluster 6 refcount=1 reference=0");
    }

    @Test
    void uncountedClusterIsCorruptionAndNamesTheGuestRange() {
        TinyImage.Outcome outcome = new TinyImage().count(6, 0).check();
        CheckFinding finding = outcome.findings().getFirst();
        assertEquals("ERROR cluster 6 refcount=0 reference=1", finding.text());
        assertEquals("cluster 6 (guest data)", finding.structure());
        assertEquals(CLUSTER, finding.guestOffset());
        assertEquals(CLUSTER, finding.guestLength());
        assertEquals(6 * CLUSTER, finding.offset());
    }

    @Test
    void uncountedL2TableNamesAllThatItMaps() {
        CheckFinding finding = new TinyImage().count(4, 0).check().findings().getFirst();
        assertEquals("cluster 4 (L2 table 0)", finding.structure());
        assertEquals(0, finding.guestOffset());
        assertEquals(10 * CLUSTER, finding.guestLength());
    }

    @Test
    void copiedFlagOfL1EntryIsCompared() {
        assertFinds(
                new TinyImage().put(L1, L2),
                1,
                0,
                "ERROR OFLAG_COPIED L2 cluster: l1_index=0 l1_entry=4000 refcount=1");
    }

    @Test
    void copiedFlagOfL2EntryIsCompared() {
        assertFinds(
                new TinyImage().entry(0, DATA),
                1,
                0,
                "ERROR OFLAG_COPIED data cluster: l2_entry=5000 refcount=1");
    }

    @Test
    void reservedBitsOfEntriesAreCorruption() {
        assertFinds(
                new TinyImage().put(L1, L2 | COPIED | 2).entry(0, DATA | COPIED | 4),
                2,
                0,
                "ERROR found L1 entry with reserved bits set: 8000000000004002",
                "ERROR found l2 entry with reserved bits set: 8000000000005004");
    }

    @Test
    void unalignedL2TableIsReadAllTheSame() {
        TinyImage.Outcome outcome = new TinyImage().put(L1, L2 + 512 | COPIED).check();
        assertEquals(
                "ERROR l2_offset=4200: Table is not cluster aligned; L1 entry corrupted",
                outcome.lines().getFirst());
        assertEquals(0, outcome.report().allocatedClusters());
    }

    @Test
    void unalignedDataClusterCountsBothThatItTouches() {
        assertFinds(
                new TinyImage().entry(0, DATA + 512 | COPIED),
                2,
                0,
                "ERROR offset=5200: Data cluster is not properly aligned; L2 entry corrupted.",
                "ERROR cluster 6 refcount=1 reference=2");
    }

    @Test
    void unalignedZeroClusterIsCalledPreallocated() {
        assertEquals(
                "ERROR offset=5200: Preallocated cluster is not properly aligned; L2 entry"
                        + " corrupted.",
                new TinyImage().entry(0, DATA + 512 | COPIED | 1).check().lines().getFirst());
    }

    @Test
    void compressedClusterHasNoCopiedFlag() {
        long entry = L2Entry.compressed(DATA, 512, 12);
        assertFinds(
                new TinyImage().entry(0, entry | COPIED),
                1,
                0,
                "ERROR: coffset=0x5000: copied flag must never be set for compressed clusters");
        CheckReport report = new TinyImage().entry(0, entry).check().report();
        assertTrue(report.isClean());
        assertEquals(1, report.compressedClusters());
        assertEquals(1, report.fragmentedClusters());
        assertEquals(2, report.allocatedClusters());
    }

    @Test
    void referenceBehindTheEndIsCorruption() {
        assertFinds(
                new TinyImage().entry(2, 0x7000 | COPIED),
                2,
                0,
                "ERROR: counting reference for region exceeding the end of the file by one cluster"
                        + " or more: offset 0x7000 size 0x1000",
                "ERROR OFLAG_COPIED data cluster: l2_entry=8000000000007000 refcount=0");
    }

    @Test
    void fileMayEndWithinItsLastCluster() {
        assertTrue(new TinyImage().resize(6 * CLUSTER + 1).check().report().isClean());
    }

    @Test
    void refcountTableEntriesAreChecked() {
        List<String> lines =
                new TinyImage()
                        .put(TABLE + 8, 5)
                        .put(TABLE + 16, 0x5200)
                        .put(TABLE + 24, 0x70000)
                        .put(TABLE + 32, DATA)
                        .check()
                        .lines();
        assertEquals(
                List.of(
                        "ERROR refcount table entry 1 has reserved bits set",
                        "ERROR refcount block 2 is not cluster aligned; refcount table entry"
                                + " corrupted",
                        "ERROR refcount block 3 is outside image",
                        "ERROR refcount block 4 refcount=2",
                        "ERROR cluster 5 refcount=1 reference=2"),
                lines);
    }

    @Test
    void unreadableBlockIsACheckErrorForEachOfItsClusters() {
        TinyImage.Outcome outcome = new TinyImage().put(TABLE, 0x2200).check();
        assertEquals(7, outcome.report().checkErrors());
        assertEquals(1, outcome.report().corruptions());
        assertEquals(
                "qcow2: Image is corrupt: Refblock offset 0x2200 unaligned (reftable index: 0);"
                        + " further non-fatal corruption events will be suppressed",
                outcome.lines().get(1));
        assertEquals(
                "Can't get refcount for cluster 6: Input/output error", outcome.lines().getLast());
    }

    @Test
    void emptyRefcountTableCanBeChecked() {
        CheckReport report = new TinyImage().put32(56, 0).check().report();
        assertEquals(5 + 3, report.corruptions()); // Five counts are missing, three flags wrong.
        assertEquals(7 * CLUSTER, report.imageEndOffset());
    }

    private static TinyImage withSnapshot(long l1Offset, int l1Entries, int extraBytes) {
        TinyImage image = new TinyImage();
        int table = image.addCluster();
        image.put32(60, 1).put(64, table).put(table, l1Offset).put32(table + 8, l1Entries);
        image.put32(table + 12, 1 << 16 | 2).put32(table + 36, extraBytes);
        return image.putBytes(table + 40 + extraBytes, "1sn".getBytes(StandardCharsets.UTF_8));
    }

    @Test
    void snapshotReferencesAreCounted() {
        TinyImage image = withSnapshot(8 * CLUSTER, 1, 16);
        int l1 = image.addCluster();
        image.put(l1, L2).put(L1, L2).entry(0, DATA).entry(1, DATA + CLUSTER);
        assertFinds(image.count(4, 2).count(5, 2).count(6, 2), 0, 0);
        assertEquals(2, image.check().report().allocatedClusters());
    }

    @Test
    void brokenSnapshotsAreCorruption() {
        assertEquals(
                "ERROR snapshot 1 (sn) l1_offset=0x200: L1 table is not cluster aligned; snapshot"
                        + " table entry corrupted",
                withSnapshot(512, 1, 16).check().lines().getFirst());
        assertEquals(
                "ERROR snapshot 1 (sn) l1_size=0x400001: L1 table is too large; snapshot table"
                        + " entry corrupted",
                withSnapshot(L1, 0x400001, 16).check().lines().getFirst());
        assertEquals(
                "ERROR snapshot table entry 0 is incomplete",
                withSnapshot(L1, 0, 8).check().lines().getFirst());
    }

    @Test
    void unusableSnapshotTableEndsTheCheck() {
        for (TinyImage image :
                List.of(withSnapshot(L1, 0, 1025), new TinyImage().put32(60, 65537))) {
            TinyImage.Outcome outcome = image.check();
            assertEquals("File too large", outcome.report().failure());
            assertEquals(1, outcome.report().checkErrors());
        }
    }

    @Test
    void snapshotsDoNotGoWithADataFile() {
        TinyImage image = withSnapshot(L1, 0, 16).put(72, Header.DATA_FILE);
        assertTrue(image.check().lines().contains("ERROR 1 snapshots in image with data file"));
    }

    @Test
    void dataFileClustersAreNotCountedButMustBeCopied() {
        TinyImage image = new TinyImage().put(72, Header.DATA_FILE);
        image.entry(0, COPIED).entry(1, CLUSTER);
        assertFinds(
                image,
                1,
                2,
                "Leaked cluster 5 refcount=1 reference=0",
                "Leaked cluster 6 refcount=1 reference=0",
                "ERROR OFLAG_COPIED data cluster: l2_entry=1000 refcount=1");
    }

    @Test
    void bitmapsAreCountedIfTheyCanBeTrusted() {
        TinyImage image = new TinyImage();
        int directory = image.addCluster();
        int table = image.addCluster();
        int data = image.addCluster();
        ByteBuffer extension = ByteBuffer.allocate(32);
        extension.putInt(HeaderExtension.BITMAPS).putInt(24).putInt(1).putInt(0);
        extension.putLong(32).putLong(directory);
        image.putBytes(112, extension.array()).put(88, Header.BITMAPS_VALID);
        image.put(directory, table).put32(directory + 8, 1).put32(directory + 16, 0x01100001);
        image.putBytes(directory + 24, new byte[] {'b'}).put(table, data);
        assertFinds(image, 0, 0);

        assertFinds(
                image.put(table, data | 1),
                1,
                1,
                "ERROR bitmap 'b': table entry 0 is 0x9001",
                "Leaked cluster 9 refcount=1 reference=0");
        assertEquals(3, image.put(88, 0).check().report().leaks());
    }

    @Test
    void countOverflowIsReportedForEachReferenceTooMany() {
        TinyImage image = new TinyImage().put32(96, 1); // Counts of two bits.
        for (int i = 0; i < 8; i++) {
            image.entry(i, DATA);
        }
        List<String> lines = image.check().lines();
        assertEquals(
                5,
                lines.stream().filter(each -> each.startsWith("ERROR: overflow cluster")).count());
    }

    @Test
    void tablesThatPointToThemselvesDoNoHarm() {
        TinyImage image = new TinyImage().put(L1, L1 | COPIED);
        image.put(L1 + 8, L1 | COPIED);
        assertTrue(image.check().report().corruptions() > 0);
    }

    @Test
    void headerAsL2TableIsSurvived() {
        assertTrue(new TinyImage().put(L1, COPIED).check().report().corruptions() > 0);
    }
}
