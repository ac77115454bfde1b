package dev.gaur.format.qcow2;

import static dev.gaur.format.qcow2.CowDisk.AUTO;
import static dev.gaur.format.qcow2.CowDisk.CLUSTER;
import static dev.gaur.format.qcow2.CowDisk.PIECE;
import static dev.gaur.format.qcow2.CowDisk.SIZE;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gaur.block.BlockException;
import dev.gaur.block.Durability;
import dev.gaur.block.StorageNode;
import dev.gaur.block.ZeroMode;
import dev.gaur.testkit.StorageWrapper;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Parts of clusters from all over the disk leave in one write, and each as if by itself. */
class JoinedMovesTest {
    private static final long SEED = Long.getLong("gaur.seed", 20261126L);
    private static final int GROUP = 4;
    private static final int[] ANYWHERE = {17, 3, 40, 8, 29, 51, 12, 33};

    private static void writeParts(CowDisk disk, int... clusters) {
        for (int each : clusters) {
            disk.write(each * CLUSTER + 2 * PIECE, PIECE);
        }
    }

    @Test
    void partsFromAllOverTheDiskLeaveInOneWrite() {
        try (CowDisk disk = new CowDisk(AUTO)) {
            writeParts(disk, 60); // It makes the tables.
            disk.image.flush();
            disk.writes.clear();
            long reads = disk.base.reads();
            writeParts(disk, ANYWHERE);
            disk.image.flush();
            assertEquals(List.of(GROUP * CLUSTER, GROUP * CLUSTER), disk.dataWrites());
            assertEquals(2L * ANYWHERE.length, disk.base.reads() - reads, "head and tail of each");
            assertEquals(ANYWHERE.length, disk.use().merges());
            assertEquals(ANYWHERE.length + 1, disk.use().fills());
            assertEquals(0, disk.held());
            disk.assertReads();
        }
    }

    @Test
    void soTheyDoAfterASnapshotAndOverCompressedClusters() {
        try (CowDisk disk = new CowDisk(AUTO)) {
            for (int at = 0; at < SIZE; at += CLUSTER) {
                disk.write(at, CLUSTER);
            }
            disk.takeSnapshot("one");
            compress(disk, 8);
            disk.image.flush();
            disk.writes.clear();
            writeParts(disk, ANYWHERE);
            disk.image.flush();
            assertTrue(disk.dataWrites().contains(GROUP * CLUSTER), disk.writes::toString);
            disk.assertReads();
            disk.image.snapshots().orElseThrow().delete("1");
            disk.assertReads();
        }
    }

    private static void compress(CowDisk disk, int cluster) {
        int start = cluster * CLUSTER;
        Arrays.fill(disk.model, start, start + CLUSTER, (byte) 'a');
        MemorySegment text = MemorySegment.ofArray(disk.model).asSlice(start, CLUSTER);
        disk.image.compressing().orElseThrow().writeCompressed(start, text);
    }

    @Test
    void aStableWriteTakesNoOthersAlong() {
        try (CowDisk disk = new CowDisk(AUTO)) {
            writeParts(disk, ANYWHERE);
            disk.writes.clear();
            disk.write(ANYWHERE[1] * CLUSTER, 512, Durability.STABLE);
            assertEquals(1, disk.dataWrites().stream().filter(each -> each == CLUSTER).count());
            assertEquals(1, disk.use().writeOuts());
            disk.assertReads();
        }
    }

    @Test
    void whoMustNotBeCopiedStaysApart() {
        try (CowDisk disk = new CowDisk(AUTO)) {
            disk.write(3 * CLUSTER, CLUSTER);
            disk.image.flush();
            writeParts(disk, 17, 40);
            disk.image.zero(29L * CLUSTER, CLUSTER, ZeroMode.UNMAP, Durability.CACHED);
            Arrays.fill(disk.model, 29 * CLUSTER, 30 * CLUSTER, (byte) 0);
            writeParts(disk, 3, 29, 8, 51);
            disk.image.flush();
            disk.assertReads();
        }
    }

    /** The first, one between, the last: those that can be read leave, also together. */
    @ParameterizedTest
    @ValueSource(ints = {0, 1, 2, 3})
    void oneThatCannotBeReadStaysAlone(int bad) {
        CowDisk disk = new CowDisk(AUTO);
        disk.badFrom = ANYWHERE[bad] * CLUSTER;
        disk.badEnd = disk.badFrom + CLUSTER;
        disk.bad = true;
        writeParts(disk, ANYWHERE);
        for (int i = 0; i < 2; i++) {
            assertThrows(BlockException.class, disk.image::flush);
            assertEquals(ANYWHERE.length - 1, disk.use().writeOuts());
        }
        disk.bad = false;
        disk.image.flush();
        disk.assertReads();
        disk.close();
    }

    /** Fails one of the writes of data. */
    private static final class FailsOnce extends StorageWrapper {
        private int left;

        FailsOnce(StorageNode real, int which) {
            super(real);
            left = which;
        }

        @Override
        public void write(long offset, MemorySegment source, Durability durability) {
            if (source.byteSize() >= CLUSTER && left-- == 0) {
                throw new BlockException.Media("image", "write", offset, "made up", 5, null);
            }
            super.write(offset, source, durability);
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1})
    void aFailedWriteOfManyIsHeardAndLosesNothing(int which) {
        CowDisk disk = new CowDisk(AUTO);
        writeParts(disk, 60);
        disk.reopen(new FailsOnce(disk.file, which), AUTO);
        writeParts(disk, ANYWHERE);
        assertThrows(BlockException.class, disk.image::flush);
        disk.assertReads();
        disk.image.flush();
        assertEquals(0, disk.held());
        disk.close(); // Nothing is leaked: the places were given back.
    }

    /** Takes no data of several clusters at once. */
    private static final class OnlySmall extends StorageWrapper {
        OnlySmall(StorageNode real) {
            super(real);
        }

        @Override
        public void write(long offset, MemorySegment source, Durability durability) {
            if (source.byteSize() > CLUSTER) {
                throw new BlockException.Media("image", "write", offset, "made up", 5, null);
            }
            super.write(offset, source, durability);
        }
    }

    @Test
    void thoseThatFailTogetherLeaveOneByOne() {
        CowDisk disk = new CowDisk(AUTO);
        writeParts(disk, 63);
        disk.reopen(new OnlySmall(disk.file), 1L << 20);
        for (int i = 0; i < 63; i++) {
            writeParts(disk, i * 37 % 63);
        }
        assertTrue(disk.use().writes() > 32, "most found room: one by one they leave");
        disk.assertReads();
        while (disk.held() > 0) {
            try {
                disk.image.flush();
            } catch (BlockException _) {
                disk.assertReads();
            }
        }
        disk.close();
    }

    /** Its places are those of the disk; subclusters are not copied where they need not be. */
    @Test
    void dataFilesAndSubclustersKnowNothingOfIt() {
        var plain = Qcow2CreateOptions.ofSize(SIZE);
        for (var options : List.of(plain.withDataFile("data", false), plain.withExtendedL2(true))) {
            try (CowDisk disk = new CowDisk(options, AUTO)) {
                writeParts(disk, ANYWHERE);
                disk.image.flush();
                assertEquals(0, disk.use().merges());
                disk.assertReads();
            }
        }
    }

    @Test
    void smallCachesLetOneGoAtATime() {
        try (CowDisk disk = new CowDisk(4L * CLUSTER)) {
            writeParts(disk, 60);
            disk.image.flush();
            disk.writes.clear();
            writeParts(disk, ANYWHERE);
            assertEquals(4, disk.use().evictions());
            disk.assertReads();
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {512, 4096, CLUSTER})
    void randomPartsReadBack(int clusterSize) {
        Random random = new Random(SEED);
        Qcow2CreateOptions options = Qcow2CreateOptions.ofSize(SIZE).withClusterSize(clusterSize);
        try (CowDisk disk = new CowDisk(options, 1L << 20)) {
            for (int i = 0; i < 600; i++) {
                int count = 1 + random.nextInt(Math.min(clusterSize, 9000));
                disk.write(random.nextInt(SIZE - count), count);
                if (random.nextInt(100) == 0) {
                    disk.image.flush();
                }
                if (i % 200 == 150) {
                    disk.takeSnapshot("at " + i);
                }
            }
            disk.assertReads();
        }
    }
}
