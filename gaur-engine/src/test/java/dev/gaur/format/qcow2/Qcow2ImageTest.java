package dev.gaur.format.qcow2;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gaur.block.BlockException;
import dev.gaur.block.BlockNode;
import dev.gaur.block.Extent;
import dev.gaur.block.StorageNode;
import dev.gaur.format.FormatOptions;
import dev.gaur.format.ImageInfo;
import dev.gaur.format.ReferenceOpener;
import dev.gaur.storage.Reference;
import dev.gaur.storage.memory.MemoryStorage;
import dev.gaur.testkit.TestBytes;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;

/** What an image says of damage, and what it does at its edges. */
class Qcow2ImageTest {
    private static final int CLUSTER = TinyImage.CLUSTER;

    /** An image that names nothing. */
    private static final ReferenceOpener NOTHING =
            new ReferenceOpener() {
                @Override
                public BlockNode backing(Reference reference) {
                    throw new AssertionError(reference.toString());
                }

                @Override
                public StorageNode dataFile(Reference reference) {
                    throw new AssertionError(reference.toString());
                }
            };

    private static Qcow2Image open(TinyImage tiny) {
        return open(tiny, "");
    }

    private static Qcow2Image open(TinyImage tiny, String snapshot) {
        StorageNode storage = new KeepOpen(tiny.storage(), false);
        FormatOptions options = new FormatOptions(snapshot, FormatOptions.AUTO);
        return Qcow2Format.open(storage, HeaderCodec.read(storage), options, NOTHING);
    }

    private static BlockException.Corrupt corrupt(TinyImage tiny, long offset) {
        try (Qcow2Image image = open(tiny)) {
            return assertThrows(
                    BlockException.Corrupt.class, () -> TestBytes.read(image, offset, 512));
        }
    }

    private static void assertSays(String expected, BlockException error) {
        assertTrue(error.getMessage().contains(expected), error.getMessage());
    }

    private static TinyImage withData() {
        byte[] data = new byte[2 * CLUSTER];
        Arrays.fill(data, (byte) 7);
        return new TinyImage().putBytes(TinyImage.DATA, data);
    }

    /** The first read of a place loads its table, others find it in memory: by another way. */
    @Test
    void whatIsReadAgainIsTheSame() {
        TinyImage cut = withData().resize(TinyImage.DATA + CLUSTER + 700);
        try (Qcow2Image image = open(cut)) {
            for (int round = 0; round < 3; round++) {
                for (int at = 0; at < 2 * CLUSTER; at += 512) {
                    byte[] expected = new byte[512];
                    Arrays.fill(expected, 0, Math.clamp(CLUSTER + 700 - at, 0, 512), (byte) 7);
                    assertArrayEquals(expected, TestBytes.read(image, at, 512), "at " + at);
                }
            }
        }
    }

    @Test
    void whatIsIllegalStaysSoWhenItIsReadAgain() {
        long[] illegal = {TinyImage.DATA + 512, TinyImage.DATA + 512 | L2Entry.COPIED, 1L << 40};
        for (long entry : illegal) {
            try (Qcow2Image image = open(withData().entry(1, entry))) {
                for (int round = 0; round < 3; round++) {
                    assertArrayEquals(
                            TestBytes.read(image, 0, 512), TestBytes.read(image, 512, 512));
                    assertThrows(
                            BlockException.Corrupt.class,
                            () -> TestBytes.read(image, CLUSTER + 512, 512));
                }
            }
        }
    }

    @Test
    void nothingCanBeReadOfADiskOfNothing() {
        try (Qcow2Image image = open(new TinyImage().put(24, 0))) {
            assertEquals(0, image.length());
            image.read(0, MemorySegment.ofArray(new byte[0]));
            image.tryRead(0, MemorySegment.ofArray(new byte[0]));
        }
    }

    @Test
    void aDataClusterBehindTheEndOfTheFileIsTruncation() {
        TinyImage tiny = withData().resize(TinyImage.DATA + CLUSTER);
        var error = corrupt(tiny, CLUSTER);
        assertSays("image is truncated: the file ends at 24576, 25088 needed", error);
        assertEquals(TinyImage.DATA + CLUSTER, error.offset());
        try (Qcow2Image image = open(tiny)) {
            assertEquals(7, TestBytes.read(image, 0, 512)[0]);
        }
    }

    @Test
    void aDataClusterCutInTheMiddleReadsZerosThere() {
        try (Qcow2Image image = open(withData().resize(TinyImage.DATA + CLUSTER + 100))) {
            byte[] expected = new byte[CLUSTER];
            Arrays.fill(expected, 0, 100, (byte) 7);
            assertArrayEquals(expected, TestBytes.read(image, CLUSTER, CLUSTER));
            assertArrayEquals(new byte[50], TestBytes.read(image, CLUSTER + 200, 50));
        }
    }

    @Test
    void tablesBehindTheEndOfTheFileAreTruncation() {
        assertSays(
                "L2 table 0 at offset 0x4000: image is trunc",
                corrupt(withData().resize(TinyImage.L2 + 512), 0));
        assertSays(
                "L1 table at offset 0x3000: image is trunc",
                corrupt(withData().resize(TinyImage.L1 + 4), 0));
    }

    @Test
    void aTruncatedImageStillTellsWhatItIs() {
        try (Qcow2Image image = open(withData().resize(CLUSTER))) {
            assertEquals(10 * CLUSTER, image.info().virtualSize());
        }
    }

    @Test
    void unalignedOffsetsAreRefusedWhereTheyAreMet() {
        assertSays(
                "L1 table at offset 0x3000: entry 0 points to an L2 table at 0x4200",
                corrupt(withData().put(TinyImage.L1, 0x4200), 0));
        var error = corrupt(withData().entry(1, 0x6200), CLUSTER + 512);
        assertSays("L2 table 0 at offset 0x4008: entry 1 (guest offset 0x1000)", error);
    }

    @Test
    void aZeroClusterInAVersion2ImageIsCorrupt() {
        TinyImage v2 = withData().put32(4, 2).entry(1, 1);
        assertSays("is a zero cluster, in a version 2 image", corrupt(v2, CLUSTER));
    }

    @Test
    void reservedBitsAreIgnored() {
        long reserved = 0x3f00_0000_0000_01feL;
        try (Qcow2Image image = open(withData().entry(0, TinyImage.DATA | reserved))) {
            assertEquals(7, TestBytes.read(image, 0, 512)[511]);
        }
    }

    @Test
    void aCompressedClusterThatDoesNotDecompressIsCorrupt() {
        TinyImage tiny = withData().entry(2, L2Entry.compressed(TinyImage.DATA, 1000, 12));
        assertSays("zlib stream of guest offset 0x2000", corrupt(tiny, 2 * CLUSTER));
    }

    @Test
    void aCompressedClusterBehindTheEndOfTheFileIsTruncation() {
        TinyImage tiny = withData().entry(2, L2Entry.compressed(1 << 20, 1000, 12));
        assertSays("image is truncated", corrupt(tiny, 2 * CLUSTER));
    }

    @Test
    void encryptedImagesTellWhatTheyAreAndCannotBeRead() {
        TinyImage aes = withData().put32(32, 1);
        try (Qcow2Image image = open(aes)) {
            ImageInfo info = image.info();
            assertTrue(info.encrypted());
            assertEquals("aes", ((ImageInfo.Qcow2) info.details()).encryption());
            var error =
                    assertThrows(
                            BlockException.Unsupported.class, () -> TestBytes.read(image, 0, 512));
            assertSays("encrypted images are not supported yet", error);
        }
    }

    @Test
    void dirtyAndCorruptImagesCanBeRead() {
        try (Qcow2Image image = open(withData().put(72, 3))) {
            assertTrue(image.info().dirty());
            assertTrue(((ImageInfo.Qcow2) image.info().details()).corrupt());
            assertEquals(7, TestBytes.read(image, 0, 512)[0]);
        }
    }

    @Test
    void openingForWritingChangesNothing() {
        MemoryStorage storage = withData().storage();
        byte[] before = TestBytes.read(storage, 0, (int) storage.length());
        Qcow2Format.INSTANCE
                .open(new KeepOpen(storage, true), FormatOptions.DEFAULT, NOTHING)
                .close();
        assertArrayEquals(before, TestBytes.read(storage, 0, before.length));
    }

    @Test
    void corruptImagesAreNotOpenedForWriting() {
        StorageNode writable = withData().put(72, 2).storage();
        assertThrows(
                BlockException.Denied.class,
                () -> Qcow2Format.INSTANCE.open(writable, FormatOptions.DEFAULT, NOTHING));
    }

    /** Adds a table with two snapshots, the second without a table of its own entries. */
    private static TinyImage withSnapshots(String firstId, String firstName) {
        TinyImage tiny = withData();
        int l1 = tiny.addCluster();
        int l2 = tiny.addCluster();
        int table = tiny.addCluster();
        tiny.put(l1, l2).put(l2, TinyImage.DATA).put(l2 + 8, 1);
        byte[] id = firstId.getBytes(StandardCharsets.UTF_8);
        byte[] name = firstName.getBytes(StandardCharsets.UTF_8);
        ByteBuffer entries = ByteBuffer.allocate(400);
        entries.putLong(0, l1).putInt(8, 1).putShort(12, (short) id.length);
        entries.putShort(14, (short) name.length).putInt(16, 1000).putInt(20, 5).putInt(32, 9);
        entries.position(40).put(id).put(name);
        int second = (entries.position() + 7) / 8 * 8;
        entries.putLong(second, l1)
                .putShort(second + 12, (short) 1)
                .putShort(second + 14, (short) 1);
        entries.putInt(second + 36, 24).putLong(second + 40, 1L << 40).putLong(second + 48, 512);
        entries.putLong(second + 56, -1).put(second + 64, (byte) '2').put(second + 65, (byte) '1');
        return tiny.putBytes(table, entries.array()).put32(60, 2).put(64, table);
    }

    @Test
    void aSnapshotIsReadThroughItsOwnTables() {
        try (Qcow2Image image = open(withSnapshots("1", "first"), "first")) {
            byte[] expected = new byte[2 * CLUSTER];
            Arrays.fill(expected, 0, CLUSTER, (byte) 7);
            assertArrayEquals(expected, TestBytes.read(image, 0, 2 * CLUSTER));
            assertEquals(10 * CLUSTER, image.length());
        }
        try (Qcow2Image image = open(withSnapshots("1", "first"), "2")) {
            assertArrayEquals(new byte[CLUSTER], TestBytes.read(image, 0, CLUSTER));
        }
    }

    @Test
    void anIdIsFoundBeforeAName() {
        try (Qcow2Image image = open(withSnapshots("9", "2"), "2")) {
            assertEquals(0, TestBytes.read(image, 0, 512)[0], "the one with id 2 has no tables");
        }
        assertThrows(BlockException.Media.class, () -> open(withSnapshots("1", "a"), "none"));
    }

    @Test
    void snapshotsAreListedWithWhatTheyStore() {
        try (Qcow2Image image = open(withSnapshots("1", "first"))) {
            var first = image.info().snapshots().getFirst();
            assertEquals("first", first.name());
            assertEquals(1000, first.taken().getEpochSecond());
            assertEquals(9, first.vmStateBytes());
            assertEquals(10 * CLUSTER, first.diskLength());
            var second = image.info().snapshots().getLast();
            assertEquals(1L << 40, second.vmStateBytes());
            assertEquals(512, second.diskLength());
            assertTrue(second.icount().isEmpty());
        }
    }

    @Test
    void snapshotTablesOverTheirLimitsAreRefused() {
        TinyImage tiny = withSnapshots("1", "first");
        int table = tiny.toBytes().length - CLUSTER;
        var error =
                assertThrows(
                        BlockException.Corrupt.class, () -> open(tiny.put32(table + 36, 1025)));
        assertSays("1025 bytes of extra data", error);
        TinyImage large = withSnapshots("1", "first").put32(table + 8, 4194305);
        assertSays(
                "larger than 32 MiB",
                assertThrows(BlockException.Corrupt.class, () -> open(large, "1")));
        open(withSnapshots("1", "first").put32(table + 8, 4194305)).close();
    }

    private static TinyImage withBitmap(int nameLength, int granularityBits) {
        TinyImage tiny = withData();
        int directory = tiny.addCluster();
        int table = tiny.addCluster();
        tiny.put32(112, HeaderExtension.BITMAPS).put32(116, 24).put32(120, 1);
        tiny.put(128, 32).put(136, directory).put(88, Header.BITMAPS_VALID);
        ByteBuffer entry = ByteBuffer.allocate(32);
        entry.putLong(0, table).putInt(8, 1).putInt(12, 2).put(16, (byte) 1);
        entry.put(17, (byte) granularityBits).putShort(18, (short) nameLength);
        return tiny.putBytes(directory, entry.put(24, (byte) 'b').array());
    }

    @Test
    void bitmapsAreListed() {
        try (Qcow2Image image = open(withBitmap(1, 16))) {
            var bitmap = image.info().bitmaps().getFirst();
            assertEquals("b", bitmap.name());
            assertEquals(65536, bitmap.granularity());
            assertTrue(bitmap.auto());
            assertFalse(bitmap.inUse());
            assertEquals(List.of(), image.info().warnings());
        }
    }

    @Test
    void brokenBitmapsAreWarningsAndTheDataIsReadable() {
        List<TinyImage> broken =
                List.of(
                        withBitmap(1, 8),
                        withBitmap(0, 16),
                        withBitmap(60000, 16),
                        withBitmap(1, 16).put32(116, 16).put(136, 0),
                        withBitmap(1, 16).put32(120, 0),
                        withBitmap(1, 16).put32(120, 2),
                        withBitmap(1, 16).put(128, 1L << 40),
                        withBitmap(1, 16).put(136, 1L << 40),
                        withBitmap(1, 16).put(136, 512),
                        withBitmap(1, 16).put(88, 0));
        for (int i = 0; i < broken.size(); i++) {
            try (Qcow2Image image = open(broken.get(i))) {
                assertFalse(image.info().warnings().isEmpty(), "case " + i);
                assertEquals(7, TestBytes.read(image, 0, 512)[0], "case " + i);
            }
        }
    }

    @Test
    void extentsJoinWhatIsContiguousAndTellTheRest() {
        TinyImage tiny = withData().entry(2, 1).entry(3, 1).entry(4, 0x5000 | 1);
        try (Qcow2Image image = open(tiny)) {
            List<Extent> extents = new ArrayList<>();
            image.extents(100, 6 * CLUSTER, extents::add);
            assertEquals(
                    List.of(
                            new Extent.Data(100, 8092, 0, TinyImage.DATA + 100, false),
                            new Extent.Zero(8192, 8192, 0, Extent.NOWHERE),
                            new Extent.Zero(16384, 4096, 0, 0x5000),
                            new Extent.Unallocated(20480, 4196, 0)),
                    extents);
        }
    }

    @Test
    void tryReadAnswersOnceTheTablesAreInMemory() {
        try (Qcow2Image image = open(withData())) {
            MemorySegment target = MemorySegment.ofArray(new byte[512]);
            assertFalse(image.tryRead(0, target));
            image.read(0, target);
            target.fill((byte) 0);
            assertTrue(image.tryRead(CLUSTER, target));
            assertEquals(7, TestBytes.read(image, CLUSTER, 1)[0]);
            assertEquals(1, image.cacheUse().orElseThrow().loads());
        }
    }
}
