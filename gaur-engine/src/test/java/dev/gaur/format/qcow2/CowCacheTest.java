package dev.gaur.format.qcow2;

import static dev.gaur.format.qcow2.CowDisk.AUTO;
import static dev.gaur.format.qcow2.CowDisk.CLUSTER;
import static dev.gaur.format.qcow2.CowDisk.K;
import static dev.gaur.format.qcow2.CowDisk.OFF;
import static dev.gaur.format.qcow2.CowDisk.PIECE;
import static dev.gaur.format.qcow2.CowDisk.SIZE;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gaur.block.Durability;
import dev.gaur.block.Extent;
import dev.gaur.block.ZeroMode;
import dev.gaur.format.CheckListener;
import dev.gaur.format.CowUse;
import dev.gaur.format.FormatOptions;
import dev.gaur.format.Image;
import dev.gaur.format.Preallocation;
import dev.gaur.testkit.TestBytes;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Writes wait in memory for the rest of their cluster, and nobody can tell but by counting. */
class CowCacheTest {

    // ---- what it saves

    @Test
    void clustersThatAreFilledNeedNoReadAndLeaveTogether() {
        try (CowDisk disk = new CowDisk(AUTO)) {
            for (int at = 0; at < 2 * K * K; at += PIECE) {
                disk.write(at, PIECE);
            }
            disk.image.flush();
            assertEquals(0, disk.base.reads());
            // The file grows by a step between them.
            assertEquals(List.of(K * K, 15 * CLUSTER, CLUSTER), disk.dataWrites());
            CowUse use = disk.use();
            assertEquals(32, use.writeOuts());
            assertEquals(32, use.merges());
            assertEquals(32, use.readsSaved());
            assertEquals(0, use.fills());
            assertEquals(512, use.writes());
            assertEquals(32L * (CLUSTER - PIECE), use.bytesSaved());
            assertEquals(0, use.bytes());
            disk.assertReads();
        }
    }

    @Test
    void oneClusterTakesOneWrite() {
        try (CowDisk disk = new CowDisk(AUTO)) {
            for (int at = CLUSTER - PIECE; at >= 0; at -= PIECE) {
                disk.write(CLUSTER + at, PIECE);
            }
            assertEquals(List.of(), disk.writes);
            disk.image.flush();
            assertEquals(0, disk.base.reads());
            assertEquals(List.of(CLUSTER), disk.dataWrites());
        }
    }

    @Test
    void withoutItEachFirstWriteCopies() {
        try (CowDisk disk = new CowDisk(OFF)) {
            for (int at = 0; at < 2 * CLUSTER; at += PIECE) {
                disk.write(at, PIECE);
            }
            assertEquals(2, disk.base.reads());
            assertEquals(32, disk.dataWrites().size());
            assertEquals(0, disk.use().writes());
        }
    }

    @Test
    void gapsAreReadWhenAllMustLeave() {
        try (CowDisk disk = new CowDisk(AUTO)) {
            disk.write(CLUSTER + 8 * K, PIECE);
            disk.write(CLUSTER + 700, 100);
            disk.write(CLUSTER + 40 * K, PIECE);
            disk.write(CLUSTER + 50 * K, PIECE);
            assertEquals(0, disk.base.reads());
            disk.assertReads();
            long before = disk.base.reads();
            disk.image.flush();
            assertEquals(1, disk.base.reads() - before, "several gaps are one read");
            assertEquals(List.of(CLUSTER), disk.dataWrites());
            assertEquals(1, disk.use().fills());
            disk.assertReads();
        }
    }

    @Test
    void headAndTailAreReadApart() {
        try (CowDisk disk = new CowDisk(AUTO)) {
            disk.write(CLUSTER + 8 * K, PIECE);
            disk.image.flush();
            assertEquals(2, disk.base.reads());
            assertEquals(CLUSTER - PIECE, disk.base.bytesRead());
            assertEquals(List.of(CLUSTER), disk.dataWrites());
        }
    }

    @Test
    void aSubclusterIsWhatHasToBeFilled() {
        Qcow2CreateOptions extended = Qcow2CreateOptions.ofSize(SIZE).withExtendedL2(true);
        try (CowDisk disk = new CowDisk(extended, AUTO)) {
            disk.write(3 * 2 * K, K);
            disk.write(20 * 2 * K, 2 * K);
            disk.write(21 * 2 * K + 100, 200);
            disk.image.flush();
            assertEquals(K + 2 * K - 200, disk.base.bytesRead());
            disk.assertReads();
        }
    }

    @Test
    void whatFillsItsClusterDoesNotWait() {
        try (CowDisk disk = new CowDisk(AUTO)) {
            disk.write(PIECE, 3 * CLUSTER);
            assertEquals(List.of(2 * CLUSTER), disk.dataWrites());
            assertEquals(2, disk.use().writes());
            disk.assertReads();
        }
    }

    @Test
    void wholeClustersInOrderLeaveTogether() {
        try (CowDisk disk = new CowDisk(AUTO)) {
            for (int at = 0; at < 17; at++) {
                disk.write(at * CLUSTER, CLUSTER);
            }
            // The first one did not know; the others are one write.
            assertEquals(17 * CLUSTER, disk.dataWrites().stream().mapToInt(it -> it).sum());
            assertTrue(disk.dataWrites().size() <= 3, () -> "writes: " + disk.dataWrites());
            assertEquals(16, disk.use().merges());
            assertEquals(0, disk.use().readsSaved(), "nothing would have been read");
            disk.assertReads();
        }
    }

    @Test
    void wholeClustersThatOvertakeEachOtherAreInOrderStill() {
        try (CowDisk disk = new CowDisk(AUTO)) {
            for (int at : new int[] {0, 2, 1, 5, 3, 4, 7, 6}) {
                disk.write(at * CLUSTER, CLUSTER);
            }
            assertEquals(List.of(CLUSTER), disk.dataWrites());
            disk.image.flush();
            disk.assertReads();
        }
    }

    @Test
    void wholeClustersOfSeveralWritersWait() {
        try (CowDisk disk = new CowDisk(AUTO)) {
            int far = 20 * CLUSTER;
            for (int at = 0; at < 8 * CLUSTER; at += CLUSTER) {
                disk.write(at, CLUSTER);
                disk.write(far + at, CLUSTER);
            }
            assertEquals(List.of(CLUSTER, CLUSTER), disk.dataWrites());
            disk.assertReads();
        }
    }

    @Test
    void wholeClustersAnywhereDoNotWait() {
        try (CowDisk disk = new CowDisk(AUTO)) {
            for (int at : new int[] {0, 20, 40}) {
                disk.write(at * CLUSTER, CLUSTER);
            }
            assertEquals(List.of(CLUSTER, CLUSTER, CLUSTER), disk.dataWrites());
        }
    }

    @Test
    void longRequestsInOrderDoNotWait() {
        try (CowDisk disk = new CowDisk(AUTO)) {
            disk.write(0, 8 * CLUSTER);
            disk.write(8 * CLUSTER, 8 * CLUSTER);
            assertEquals(16 * CLUSTER, disk.dataWrites().stream().mapToInt(it -> it).sum());
            assertEquals(0, disk.use().writes());
        }
    }

    @Test
    void zerosThatAreKnownNeedNoCopy() {
        try (CowDisk disk = new CowDisk(AUTO)) {
            disk.image.zero(0, SIZE, ZeroMode.UNMAP, Durability.CACHED);
            Arrays.fill(disk.model, (byte) 0);
            disk.write(PIECE, PIECE);
            assertEquals(0, disk.use().writes());
            assertEquals(List.of(PIECE), disk.dataWrites());
        }
    }

    @Test
    void aSharedClusterWaitsToo() {
        try (CowDisk disk = new CowDisk(AUTO)) {
            disk.write(0, CLUSTER);
            disk.takeSnapshot("one");
            disk.writes.clear();
            for (int at = 0; at < CLUSTER; at += PIECE) {
                disk.write(at, PIECE);
            }
            disk.image.flush();
            assertEquals(List.of(CLUSTER, CLUSTER), disk.dataWrites(), "a table, and the data");
            disk.assertReads();
        }
    }

    @Test
    void memoryIsBounded() {
        try (CowDisk disk = new CowDisk(3L * CLUSTER + 100)) {
            for (int i = 0; i < 20; i++) {
                disk.write((i * 7 % 20) * CLUSTER + i * 100, 5000);
                assertTrue(disk.held() <= 3 * CLUSTER);
            }
            assertEquals(17, disk.use().evictions());
            disk.assertReads();
            disk.image.flush();
            assertEquals(0, disk.held());
        }
    }

    @Test
    void lessThanAClusterIsNothing() {
        try (CowDisk disk = new CowDisk(CLUSTER - 1)) {
            disk.write(0, PIECE);
            assertEquals(0, disk.use().writes());
            assertFalse(disk.writes.isEmpty());
        }
    }

    @Test
    void manyPiecesLeaveEarly() {
        Qcow2CreateOptions large = Qcow2CreateOptions.ofSize(SIZE).withClusterSize(2 << 20);
        try (CowDisk disk = new CowDisk(large, AUTO)) {
            for (int i = 0; i < 1500; i++) {
                disk.write(i * 1000, 10);
            }
            assertEquals(1, disk.use().writeOuts());
            disk.assertReads();
        }
    }

    // ---- what it must not do

    @Test
    void aStableWriteIsInTheFile() {
        try (CowDisk disk = new CowDisk(AUTO)) {
            disk.write(2 * CLUSTER, PIECE);
            disk.write(5000, 700);
            disk.write(6000, 700, Durability.STABLE);
            byte[] model = disk.model.clone();
            byte[] left;
            try (Image other =
                    Qcow2Format.INSTANCE.open(
                            new KeepOpen(Kinds.copy(disk.file), false),
                            FormatOptions.DEFAULT,
                            disk)) {
                left = TestBytes.readArray(other, 0, CLUSTER);
            }
            assertArrayEquals(Arrays.copyOf(model, CLUSTER), left);
            assertEquals(CLUSTER, disk.dataWrites().getFirst());
            assertTrue(disk.held() > 0, "the other cluster waits on");
        }
    }

    @Test
    void aStableWriteAloneDoesNotWait() {
        try (CowDisk disk = new CowDisk(AUTO)) {
            disk.write(6000, 700, Durability.STABLE);
            assertEquals(0, disk.use().writes());
            disk.assertReads();
        }
    }

    @Test
    void extentsSayWhereDataIs() {
        try (CowDisk disk = new CowDisk(AUTO)) {
            disk.write(CLUSTER + 100, 100);
            List<Extent> found = new ArrayList<>();
            disk.image.extents(CLUSTER / 2, 4 * CLUSTER, found::add);
            assertEquals(
                    List.of(1, 0, 1), found.stream().map(Extent::depth).toList(), found::toString);
            assertEquals(new Extent.Data(CLUSTER, CLUSTER, 0, Extent.NOWHERE, false), found.get(1));
            assertEquals(CLUSTER / 2 + 4 * CLUSTER, found.getLast().end());
            found.clear();
            disk.image.extents(CLUSTER + 50, 60, found::add);
            assertEquals(List.of(new Extent.Data(CLUSTER + 50, 60, 0, -1, false)), found);
        }
    }

    @Test
    void readsThatNeedNotWaitSeeItToo() {
        try (CowDisk disk = new CowDisk(AUTO)) {
            disk.write(CLUSTER + 100, 1000);
            byte[] bytes = new byte[900];
            assertTrue(disk.image.tryRead(CLUSTER + 150, MemorySegment.ofArray(bytes)));
            int from = CLUSTER + 150;
            assertArrayEquals(Arrays.copyOfRange(disk.model, from, from + 900), bytes);
            assertTrue(disk.image.prefetch(CLUSTER + 150, 900));
            byte[] more = new byte[2000];
            assertFalse(disk.image.tryRead(CLUSTER, MemorySegment.ofArray(more)));
        }
    }

    @Test
    void zerosHideWhatWaits() {
        try (CowDisk disk = new CowDisk(AUTO)) {
            disk.write(0, PIECE);
            disk.write(CLUSTER, PIECE);
            disk.write(2 * CLUSTER + PIECE, PIECE);
            disk.image.zero(2 * K, 2 * CLUSTER + 4 * K, ZeroMode.UNMAP, Durability.CACHED);
            Arrays.fill(disk.model, 2 * K, 2 * CLUSTER + 6 * K, (byte) 0);
            disk.assertReads();
            disk.image.flush();
            disk.assertReads();
        }
    }

    @Test
    void discardsDropWhatWaits() {
        try (CowDisk disk = new CowDisk(AUTO)) {
            disk.write(100, PIECE);
            disk.write(CLUSTER, PIECE);
            disk.image.discard(50, 2 * CLUSTER);
            Arrays.fill(disk.model, CLUSTER, 2 * CLUSTER, (byte) 0);
            disk.assertReads();
        }
        Qcow2CreateOptions old = Qcow2CreateOptions.ofSize(SIZE).withVersion(2);
        try (CowDisk disk = new CowDisk(old, AUTO)) {
            disk.write(CLUSTER, PIECE);
            disk.image.discard(0, 2 * CLUSTER); // It cannot.
            disk.assertReads();
        }
    }

    @Test
    void compressedWritesTakeItsPlace() {
        try (CowDisk disk = new CowDisk(AUTO)) {
            disk.write(CLUSTER, PIECE);
            byte[] text = new byte[CLUSTER];
            Arrays.fill(text, (byte) 'a');
            disk.image
                    .compressing()
                    .orElseThrow()
                    .writeCompressed(CLUSTER, MemorySegment.ofArray(text));
            System.arraycopy(text, 0, disk.model, CLUSTER, CLUSTER);
            assertEquals(0, disk.held());
            disk.write(CLUSTER + 50, 100); // Over it.
            assertEquals(2, disk.use().writes());
            disk.assertReads();
        }
    }

    @Test
    void changesOfTheWholeImageMeetNothingThatWaits() {
        try (CowDisk disk = new CowDisk(AUTO)) {
            disk.write(CLUSTER, PIECE);
            disk.takeSnapshot("one");
            byte[] then = disk.model.clone();
            assertEquals(0, disk.held());
            disk.write(CLUSTER + PIECE, PIECE);
            disk.image.snapshots().orElseThrow().apply("one");
            System.arraycopy(then, 0, disk.model, 0, SIZE);
            disk.assertReads();
            disk.write(2 * CLUSTER, PIECE);
            disk.image.bitmaps().orElseThrow().add("bitmap", CLUSTER, true);
            assertEquals(0, disk.held());
            disk.write(3 * CLUSTER, PIECE);
            disk.image.checker().orElseThrow().check(new CheckListener() {});
            assertEquals(0, disk.held());
            disk.write(4 * CLUSTER, PIECE);
            disk.image.rebasing().orElseThrow().setBacking("base", "raw");
            assertEquals(0, disk.held());
            disk.write(5 * CLUSTER, PIECE);
            disk.image.resizing().orElseThrow().resize(SIZE + 1024, Preallocation.OFF);
            disk.image.resizing().orElseThrow().resize(SIZE, Preallocation.OFF);
            assertEquals(0, disk.held());
            disk.write(6 * CLUSTER, PIECE);
            disk.assertReads();
        }
    }

    @Test
    void emptyingForgetsWhatWaits() {
        byte[] base;
        try (CowDisk disk = new CowDisk(AUTO)) {
            base = disk.model.clone();
            disk.write(CLUSTER, PIECE);
            disk.write(2 * CLUSTER, CLUSTER);
            disk.image.emptying().orElseThrow().makeEmpty();
            System.arraycopy(base, 0, disk.model, 0, SIZE);
            disk.assertReads();
            disk.image.bitmaps().orElseThrow().add("bitmap", CLUSTER, true);
            disk.write(CLUSTER, PIECE);
            disk.image.emptying().orElseThrow().makeEmpty(); // In another way.
            System.arraycopy(base, 0, disk.model, 0, SIZE);
            assertEquals(0, disk.held());
            disk.assertReads();
        }
    }

    @Test
    void theEndOfTheDiskNeedNotEndACluster() {
        Qcow2CreateOptions odd = Qcow2CreateOptions.ofSize(SIZE - 10 * K + 100);
        CowDisk disk = new CowDisk(odd, AUTO);
        int end = SIZE - 10 * K + 100;
        disk.write(end - 100, 100);
        disk.write(end - 5000, 4000);
        disk.write(end - CLUSTER, 10 * K);
        byte[] tail = TestBytes.readArray(disk.image, end - CLUSTER, CLUSTER);
        assertArrayEquals(Arrays.copyOfRange(disk.model, end - CLUSTER, end), tail);
        disk.image.flush();
        tail = TestBytes.readArray(disk.image, end - CLUSTER, CLUSTER);
        assertArrayEquals(Arrays.copyOfRange(disk.model, end - CLUSTER, end), tail);
        disk.image.close();
        assertEquals(List.of(), Kinds.findings(disk.file));
    }
}
