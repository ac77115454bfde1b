package dev.gaur.format.qcow2;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gaur.block.Durability;
import dev.gaur.block.ZeroMode;
import dev.gaur.format.FormatOptions;
import dev.gaur.format.Image;
import dev.gaur.format.MappingReport;
import dev.gaur.format.SnapshotInfo;
import dev.gaur.storage.memory.MemoryStorage;
import dev.gaur.testkit.CountingStorage;
import dev.gaur.testkit.TestBytes;
import java.lang.foreign.MemorySegment;
import java.time.Instant;
import java.util.OptionalLong;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** What a look at all tables says is what was done to the disk. */
class MappingScanTest {
    private static final int CLUSTER = 4096;
    private static final int SIZE = 1000 * CLUSTER;

    private static Kinds.Kind kind(Qcow2CreateOptions options, int backing) {
        return new Kinds.Kind("kind", options, backing);
    }

    private static Qcow2CreateOptions small() {
        return Qcow2CreateOptions.ofSize(SIZE).withClusterSize(CLUSTER);
    }

    private static void write(Image image, int cluster, int count) {
        byte[] bytes = TestBytes.patchy(new Random(cluster), count * CLUSTER);
        image.write((long) cluster * CLUSTER, MemorySegment.ofArray(bytes), Durability.CACHED);
    }

    private static MappingReport scan(MemoryStorage storage, Kinds.Kind kind, long below) {
        try (Image image = kind.open(storage)) {
            return image.mapping(below).orElseThrow();
        }
    }

    @Test
    void anEmptyDiskIsEmptyOrBelow() {
        Kinds.Kind kind = kind(small(), 0);
        MappingReport alone = scan(kind.create(), kind, 0);
        assertEquals(1000, alone.empty());
        assertEquals(1000, alone.clusters());
        assertEquals(0, alone.cacheBytes());
        assertTrue(alone.cacheBytesMost() > 2 * CLUSTER && alone.cacheBytesMost() < 4 * CLUSTER);
        Kinds.Kind over = kind(small(), 600 * CLUSTER);
        MappingReport overlay = scan(over.create(), over, 600 * CLUSTER);
        assertEquals(600, overlay.below());
        assertEquals(400, overlay.empty());
    }

    @Test
    void clustersAreCountedByWhatTheNextWriteDoes() {
        Kinds.Kind kind = kind(small(), SIZE);
        MemoryStorage storage = kind.create();
        try (Image image = kind.open(storage)) {
            write(image, 0, 10);
            write(image, 10, 10);
            image.compressing()
                    .orElseThrow()
                    .writeCompressed(30 * CLUSTER, MemorySegment.ofArray(new byte[CLUSTER]));
            image.snapshots()
                    .orElseThrow()
                    .create(
                            new SnapshotInfo(
                                    "", "s", Instant.EPOCH, 0, 0, 0, OptionalLong.empty()));
            write(image, 4, 2); // Elsewhere in the file, so the others are in three pieces.
            image.zero(700 * CLUSTER, 7 * CLUSTER, ZeroMode.UNMAP, Durability.CACHED);
            write(image, 900, 1);
        }
        MappingReport report = scan(storage, kind, SIZE);
        assertTrue(report.exact());
        assertEquals(18, report.shared());
        assertEquals(3, report.own());
        assertEquals(21, report.data());
        assertEquals(1, report.compressed());
        assertEquals(7, report.zeros());
        assertEquals(1000 - 29, report.below());
        assertEquals(0, report.empty());
        assertEquals(0, report.broken());
        assertEquals(1000, report.clusters());
        assertTrue(report.runs() >= 3 && report.runs() <= 5, report.toString());
        assertEquals(2 * CLUSTER, report.tableBytes());
    }

    @Test
    void whatIsFullInOrderIsInOnePieceAndTakesFewBytes() {
        Kinds.Kind kind = kind(small().withExtendedL2(false), 0);
        MemoryStorage storage = kind.create();
        try (Image image = kind.open(storage)) {
            write(image, 0, 1000);
        }
        MappingReport report = scan(storage, kind, 0);
        assertEquals(1000, report.own());
        assertTrue(report.runs() <= 3, report.toString()); // A table may lie in between.
        try (Image image = kind.open(storage)) {
            TestBytes.read(image, 0, SIZE);
            long used = image.cacheUse().orElseThrow().bytes();
            assertEquals(used, report.cacheBytes(), 300);
            assertTrue(used < report.cacheBytesMost());
        }
    }

    @Test
    void subclustersMakeDataZerosOrNothing() {
        Kinds.Kind kind = kind(small().withClusterSize(16384).withExtendedL2(true), SIZE);
        MemoryStorage storage = kind.create();
        try (Image image = kind.open(storage)) {
            image.write(0, MemorySegment.ofArray(new byte[512]), Durability.CACHED);
            image.zero(10 * 16384, 512, ZeroMode.UNMAP, Durability.CACHED);
        }
        MappingReport report = scan(storage, kind, 0);
        assertEquals(1, report.own());
        assertEquals(1, report.data());
        assertEquals(1, report.zeros());
        assertEquals(SIZE / 16384 - 2, report.empty());
    }

    @Test
    void ofManyTablesSomeAreLookedAt() {
        Kinds.Kind kind = kind(small().withClusterSize(512), 0);
        MemoryStorage storage = kind.create();
        try (Image image = kind.open(storage)) {
            write(image, 0, 500);
        }
        Header header = HeaderCodec.read(storage);
        CountingStorage counted = new CountingStorage(storage);
        MappingTables tables =
                ImageParts.tables(counted, header, SnapshotTable.read(storage, header), "");
        tables.l1();
        long before = counted.bytesRead();
        MappingReport report = new MappingScan(header, tables, 0, 1 << 20, 10 * 512).scan();
        assertFalse(report.exact());
        assertTrue(counted.bytesRead() - before <= 11 * 512);
        assertEquals(8000, report.clusters());
        assertEquals(4000, report.own(), 300);
        assertEquals(1 << 20, report.cacheBound());
    }

    @Test
    void whatIsWrongIsCountedAndThrowsNothing() {
        TinyImage image = new TinyImage().entry(0, TinyImage.DATA + 512).entry(2, L2Entry.ZERO);
        MappingReport report = scan(image.toBytes());
        assertEquals(1, report.broken());
        assertEquals(1, report.own());
        assertEquals(1, report.zeros());
        assertEquals(10, report.clusters());
        assertEquals(10, scan(image.put(TinyImage.L1, TinyImage.L2 + 512).toBytes()).broken());
        assertEquals(10, scan(image.put(TinyImage.L1, 1L << 40).toBytes()).broken());
    }

    private static MappingReport scan(byte[] bytes) {
        try (Image image =
                Qcow2Format.INSTANCE.open(
                        new KeepOpen(new MemoryStorage("tiny", bytes), false),
                        FormatOptions.DEFAULT,
                        OneBacking.NONE)) {
            return image.mapping(0).orElseThrow();
        }
    }
}
