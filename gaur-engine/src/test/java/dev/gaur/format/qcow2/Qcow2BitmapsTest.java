package dev.gaur.format.qcow2;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gaur.bitmap.DirtyBitmap;
import dev.gaur.block.BlockException;
import dev.gaur.block.Durability;
import dev.gaur.block.StorageNode;
import dev.gaur.block.ZeroMode;
import dev.gaur.format.Amending;
import dev.gaur.format.Amendment;
import dev.gaur.format.BitmapInfo;
import dev.gaur.format.Bitmaps;
import dev.gaur.format.CheckListener;
import dev.gaur.format.Image;
import dev.gaur.format.Preallocation;
import dev.gaur.format.Resizing;
import dev.gaur.format.SnapshotInfo;
import dev.gaur.storage.memory.MemoryStorage;
import dev.gaur.testkit.TestBytes;
import java.lang.foreign.MemorySegment;
import java.time.Instant;
import java.util.List;
import java.util.OptionalLong;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;

/** Dirty bitmaps of images in memory: what they follow, what is stored, what is refused. */
class Qcow2BitmapsTest {
    static final int SIZE = 3_000_320;
    private static final Qcow2CreateOptions OPTIONS =
            Qcow2CreateOptions.ofSize(SIZE).withClusterSize(4096);

    private static void write(Image image, long offset, int length) {
        byte[] bytes = new byte[length];
        java.util.Arrays.fill(bytes, (byte) 7);
        image.write(offset, MemorySegment.ofArray(bytes), Durability.CACHED);
    }

    private static DirtyBitmap stored(StorageNode file, String name) {
        try (Image image = BitmapDisk.open(file, false)) {
            return BitmapDisk.bitmaps(image).copyOf(name);
        }
    }

    static MemoryStorage withBitmap(String name) {
        MemoryStorage file = BitmapDisk.create(OPTIONS);
        BitmapDisk.change(file, image -> BitmapDisk.bitmaps(image).add(name, 4096, true));
        return file;
    }

    /** A file with a bitmap {@code b}, after a change of the image. */
    private static MemoryStorage changed(Consumer<Image> changes) {
        MemoryStorage file = withBitmap("b");
        BitmapDisk.change(file, changes);
        return file;
    }

    private static List<String> names(StorageNode file) {
        return BitmapDisk.list(file).stream().map(BitmapInfo::name).toList();
    }

    @Test
    void everyKindOfChangeIsFollowed() {
        List<Consumer<Image>> changes =
                List.of(
                        image -> write(image, 10_000, 1),
                        image -> image.zero(10_000, 1, ZeroMode.KEEP, Durability.CACHED),
                        image -> image.zero(8192, 4096, ZeroMode.UNMAP, Durability.STABLE),
                        image -> image.discard(8192, 4096),
                        image ->
                                image.compressing()
                                        .orElseThrow()
                                        .writeCompressed(
                                                8192, MemorySegment.ofArray(new byte[4096])));
        for (Consumer<Image> change : changes) {
            MemoryStorage file = changed(change);
            DirtyBitmap bits = stored(file, "b");
            assertEquals(1, bits.count());
            assertTrue(bits.isSet(8192));
            BitmapDisk.assertClean(file, "");
        }
    }

    @Test
    void theLastPieceOfAnOddDiskIsFollowed() {
        MemoryStorage file = changed(image -> write(image, SIZE - 1, 1));
        assertEquals(1, stored(file, "b").count());
        assertTrue(stored(file, "b").isSet(SIZE - 1));
    }

    @Test
    void bitsStayOverManyOpenings() {
        MemoryStorage file = withBitmap("b");
        for (int i = 0; i < 20; i++) {
            int at = i * 8192;
            BitmapDisk.change(file, image -> write(image, at, 1));
        }
        assertEquals(20, stored(file, "b").count());
        BitmapDisk.assertClean(file, "");
    }

    @Test
    void whatIsDisabledStaysAsItIs() {
        MemoryStorage file =
                changed(
                        image -> {
                            write(image, 0, 1);
                            BitmapDisk.bitmaps(image).enable("b", false);
                            write(image, 4096, 1);
                        });
        BitmapDisk.change(file, image -> write(image, 8192, 1));
        assertEquals(1, stored(file, "b").count());
        assertEquals(List.of(new BitmapInfo("b", 4096, false, false)), BitmapDisk.list(file));
        BitmapDisk.change(
                file,
                image -> {
                    BitmapDisk.bitmaps(image).enable("b", true);
                    write(image, 16384, 1);
                });
        assertEquals(2, stored(file, "b").count());
    }

    @Test
    void whatIsClearedIsEmptyAndFollowsOn() {
        MemoryStorage file = changed(image -> write(image, 0, SIZE));
        BitmapDisk.change(
                file,
                image -> {
                    BitmapDisk.bitmaps(image).clear("b");
                    write(image, 4096, 1);
                });
        assertEquals(1, stored(file, "b").count());
        BitmapDisk.assertClean(file, "");
    }

    @Test
    void mergingTakesAnyGranularityAndOtherImages() {
        MemoryStorage file = withBitmap("fine");
        BitmapDisk.change(
                file,
                image -> {
                    write(image, 70_000, 1);
                    Bitmaps bitmaps = BitmapDisk.bitmaps(image);
                    bitmaps.add("coarse", 65536, false);
                    bitmaps.merge("coarse", bitmaps.copyOf("fine"));
                    DirtyBitmap foreign = new DirtyBitmap(SIZE, 512);
                    foreign.set(SIZE - 1, 1);
                    bitmaps.merge("coarse", foreign);
                });
        DirtyBitmap coarse = stored(file, "coarse");
        assertEquals(2, coarse.count());
        assertTrue(coarse.isSet(65536) && coarse.isSet(SIZE - 1));
    }

    @Test
    void mergingABitmapOfAnotherDiskIsRefused() {
        changed(
                image -> {
                    BlockException refused =
                            assertThrows(
                                    BlockException.Denied.class,
                                    () ->
                                            BitmapDisk.bitmaps(image)
                                                    .merge("b", new DirtyBitmap(512, 512)));
                    assertEquals(
                            "Bitmaps are of different sizes (destination size is 3000320, source"
                                    + " size is 512) and can't be merged",
                            refused.found());
                });
    }

    @Test
    void theLastBitmapTakesTheExtensionWithIt() {
        MemoryStorage file = BitmapDisk.create(OPTIONS);
        byte[] before = java.util.Arrays.copyOf(BitmapDisk.bytes(file), 4096);
        BitmapDisk.change(file, image -> BitmapDisk.bitmaps(image).add("b", 512, true));
        BitmapDisk.change(file, image -> BitmapDisk.bitmaps(image).remove("b"));
        assertArrayEquals(before, java.util.Arrays.copyOf(BitmapDisk.bytes(file), 4096));
        BitmapDisk.assertClean(file, "");
    }

    @Test
    void namesAreKeptInOrder() {
        MemoryStorage file = BitmapDisk.create(OPTIONS);
        BitmapDisk.change(
                file,
                image -> {
                    Bitmaps bitmaps = BitmapDisk.bitmaps(image);
                    bitmaps.add("one", 512, true);
                    bitmaps.add("zwei \u00e4\u20ac", 1L << 31, true);
                    bitmaps.add("x".repeat(1023), 4096, false);
                    bitmaps.remove("one");
                    bitmaps.add("one", 4096, true);
                });
        assertEquals(List.of("zwei \u00e4\u20ac", "x".repeat(1023), "one"), names(file));
        BitmapDisk.assertClean(file, "");
    }

    @Test
    void manyBitmapsAreStored() {
        MemoryStorage file = BitmapDisk.create(OPTIONS.withClusterSize(512));
        BitmapDisk.change(
                file,
                image -> {
                    for (int i = 0; i < 500; i++) {
                        BitmapDisk.bitmaps(image).add("bitmap " + i, 512, i % 2 == 0);
                    }
                    write(image, 0, SIZE);
                });
        assertEquals(500, names(file).size());
        assertEquals(SIZE / 512, stored(file, "bitmap 498").count());
        assertEquals(0, stored(file, "bitmap 499").count());
        BitmapDisk.assertClean(file, "");
    }

    @Test
    void whatCannotBeIsRefused() {
        MemoryStorage file =
                changed(
                        image -> {
                            Bitmaps bitmaps = BitmapDisk.bitmaps(image);
                            assertThrows(
                                    BlockException.Denied.class, () -> bitmaps.add("b", 512, true));
                            assertThrows(
                                    BlockException.Unsupported.class,
                                    () -> bitmaps.add("x".repeat(1024), 512, true));
                            for (long bad : new long[] {0, 256, 1000, 1L << 32, -512}) {
                                assertThrows(
                                        IllegalArgumentException.class,
                                        () -> bitmaps.add("bad", bad, true));
                            }
                            assertThrows(BlockException.Media.class, () -> bitmaps.remove("none"));
                            assertThrows(BlockException.Media.class, () -> bitmaps.copyOf("none"));
                        });
        assertEquals(List.of("b"), names(file));
    }

    @Test
    void tooManyBitsAreRefused() {
        MemoryStorage file = BitmapDisk.create(Qcow2CreateOptions.ofSize(4L << 40));
        BitmapDisk.change(
                file,
                image -> {
                    Bitmaps bitmaps = BitmapDisk.bitmaps(image);
                    BlockException refused =
                            assertThrows(
                                    BlockException.Unsupported.class,
                                    () -> bitmaps.add("b", 512, true));
                    assertTrue(refused.found().startsWith("Too much space"));
                    bitmaps.add("b", 1024, true);
                    write(image, (4L << 40) - 1, 1);
                });
        DirtyBitmap bits = stored(file, "b");
        assertEquals(1, bits.count());
        assertTrue(bits.isSet((4L << 40) - 1));
    }

    @Test
    void version2HasNone() {
        MemoryStorage file = BitmapDisk.create(OPTIONS.withVersion(2));
        BitmapDisk.change(
                file,
                image -> {
                    BlockException refused =
                            assertThrows(
                                    BlockException.Unsupported.class,
                                    () -> BitmapDisk.bitmaps(image).add("b", 512, true));
                    assertEquals("Cannot store dirty bitmaps in qcow2 v2 files", refused.found());
                    write(image, 0, 1);
                });
        BitmapDisk.assertClean(file, "");
    }

    @Test
    void anImageOpenForReadingShowsButChangesNothing() {
        MemoryStorage file = withBitmap("b");
        byte[] before = BitmapDisk.bytes(file);
        try (Image image = BitmapDisk.open(file, false)) {
            assertEquals(0, BitmapDisk.bitmaps(image).copyOf("b").count());
            assertThrows(BlockException.Denied.class, () -> BitmapDisk.bitmaps(image).remove("b"));
        }
        assertArrayEquals(before, BitmapDisk.bytes(file));
    }

    @Test
    void openingForWritingChangesNothing() {
        MemoryStorage file = withBitmap("b");
        byte[] before = BitmapDisk.bytes(file);
        BitmapDisk.change(
                file,
                image -> {
                    TestBytes.read(image, 0, SIZE);
                    image.flush();
                    assertEquals(1, BitmapDisk.bitmaps(image).list().size());
                    assertFalse(image.info().bitmaps().isEmpty());
                });
        assertArrayEquals(before, BitmapDisk.bytes(file));
    }

    @Test
    void whileTheImageIsBeingChangedTheFileSaysSo() {
        MemoryStorage file = withBitmap("b");
        BitmapDisk.change(
                file,
                image -> {
                    write(image, 0, 1);
                    assertEquals(
                            List.of(new BitmapInfo("b", 4096, false, true)),
                            BitmapDisk.bitmaps(image).list());
                    assertEquals(
                            List.of(new BitmapInfo("b", 4096, true, true)), BitmapDisk.list(file));
                    assertEquals(image.info().bitmaps(), BitmapDisk.bitmaps(image).list());
                });
        assertEquals(List.of(new BitmapInfo("b", 4096, false, true)), BitmapDisk.list(file));
    }

    @Test
    void aBitmapOfAWriterThatCrashedCanOnlyBeRemoved() {
        MemoryStorage file = withBitmap("b");
        MemoryStorage crashed = crash(file);
        BitmapDisk.change(
                crashed,
                image -> {
                    Bitmaps bitmaps = BitmapDisk.bitmaps(image);
                    assertThrows(BlockException.Denied.class, () -> bitmaps.clear("b"));
                    assertThrows(BlockException.Denied.class, () -> bitmaps.copyOf("b"));
                    assertThrows(BlockException.Denied.class, () -> bitmaps.enable("b", true));
                    write(image, 0, 1);
                });
        assertEquals(List.of(new BitmapInfo("b", 4096, true, true)), BitmapDisk.list(crashed));
        BitmapDisk.change(crashed, image -> BitmapDisk.bitmaps(image).remove("b"));
        assertEquals(List.of(), BitmapDisk.list(crashed));
        BitmapDisk.assertSound(crashed, "");
    }

    static MemoryStorage crash(MemoryStorage file) {
        try (Image image = BitmapDisk.open(file, true)) {
            write(image, 0, 1);
            image.flush();
            return BitmapDisk.copy(file);
        }
    }

    @Test
    void aCheckOfAnOpenImageLosesNoBits() {
        MemoryStorage file = withBitmap("b");
        BitmapDisk.change(
                file,
                image -> {
                    write(image, 0, 1);
                    check(image);
                    write(image, 8192, 1);
                    image.flush();
                    // What a crash leaves now must not be relied on.
                    assertTrue(BitmapDisk.list(BitmapDisk.copy(file)).getFirst().inUse());
                });
        assertEquals(2, stored(file, "b").count());
        BitmapDisk.assertClean(file, "");
    }

    private static void check(Image image) {
        assertTrue(image.checker().orElseThrow().check(new CheckListener() {}).isClean());
    }

    @Test
    void afterACheckBitmapsAreStoredOnClosing() {
        MemoryStorage file =
                changed(
                        image -> {
                            write(image, 0, 1);
                            BitmapDisk.bitmaps(image).add("more", 512, true);
                            check(image);
                            assertEquals(1, BitmapDisk.bitmaps(image).copyOf("b").count());
                        });
        assertEquals(1, stored(file, "b").count());
        assertEquals(List.of("b", "more"), names(file));
        BitmapDisk.assertClean(file, "");
    }

    @Test
    void emptyingTheImageMarksAll() {
        for (MemoryStorage file : List.of(withBitmap("b"), BitmapDisk.create(OPTIONS))) {
            BitmapDisk.change(
                    file,
                    image -> {
                        write(image, 0, SIZE);
                        BitmapDisk.bitmaps(image).add("new", 4096, true);
                        image.emptying().orElseThrow().makeEmpty();
                    });
            assertEquals(Math.ceilDiv(SIZE, 4096), stored(file, "new").count());
            assertArrayEquals(new byte[SIZE], BitmapDisk.content(file));
            BitmapDisk.assertClean(file, "");
        }
    }

    @Test
    void goingBackToASnapshotMarksAll() {
        MemoryStorage file = withBitmap("b");
        BitmapDisk.change(
                file,
                image -> {
                    var wish =
                            new SnapshotInfo("", "s", Instant.EPOCH, 0, 0, 0, OptionalLong.empty());
                    String id = image.snapshots().orElseThrow().create(wish).id();
                    assertEquals(0, BitmapDisk.bitmaps(image).copyOf("b").count());
                    write(image, 0, 1);
                    image.snapshots().orElseThrow().apply(id);
                    assertTrue(BitmapDisk.list(BitmapDisk.copy(file)).getFirst().inUse());
                });
        assertEquals(Math.ceilDiv(SIZE, 4096), stored(file, "b").count());
        BitmapDisk.assertClean(file, "");
    }

    @Test
    void bitmapsFollowTheDisksSize() {
        MemoryStorage file =
                changed(
                        image -> {
                            write(image, SIZE - 1, 1);
                            image.resizing().orElseThrow().resize(2L * SIZE, Preallocation.OFF);
                            write(image, 2L * SIZE - 1, 1);
                        });
        assertEquals(2, stored(file, "b").count());
        assertEquals(2L * SIZE, stored(file, "b").length());
        BitmapDisk.change(
                file, image -> image.resizing().orElseThrow().resize(8192, Preallocation.OFF));
        assertEquals(8192, stored(file, "b").length());
        assertEquals(0, stored(file, "b").count());
        BitmapDisk.assertClean(file, "");
    }

    @Test
    void theSizeStaysWithABitmapThatCannotFollow() {
        MemoryStorage file = crash(withBitmap("b"));
        BitmapDisk.change(
                file,
                image -> {
                    Resizing resizing = image.resizing().orElseThrow();
                    assertThrows(
                            BlockException.Denied.class,
                            () -> resizing.resize(8192, Preallocation.OFF));
                    Amending amending = image.amending().orElseThrow();
                    assertThrows(
                            BlockException.Denied.class,
                            () -> amending.amend(Amendment.NONE.withSize(2L * SIZE)));
                });
        assertEquals(SIZE, HeaderCodec.read(file).size());
    }

    @Test
    void makingTheImageVersion2DropsThem() {
        MemoryStorage file =
                changed(
                        image -> {
                            write(image, 0, 1);
                            image.amending().orElseThrow().amend(Amendment.NONE.withVersion(2));
                        });
        assertEquals(2, HeaderCodec.read(file).version());
        assertEquals(List.of(), BitmapDisk.list(file));
        assertEquals(List.of(), BitmapDisk.warnings(file));
        BitmapDisk.assertClean(file, "");
    }

    @Test
    void bitmapsThatAProgramDidNotKnowAreDropped() {
        MemoryStorage file = withBitmap("b");
        patch(file, 88, 0);
        assertEquals(List.of(), BitmapDisk.list(file));
        assertEquals(1, BitmapDisk.warnings(file).size());
        BitmapDisk.change(file, image -> write(image, 0, 1));
        assertEquals(List.of(), BitmapDisk.warnings(file));
        BitmapDisk.assertSound(file, "");
        BitmapDisk.change(file, image -> BitmapDisk.bitmaps(image).add("b", 512, true));
        assertEquals(List.of("b"), names(file));
    }

    @Test
    void unknownPromisesAreWithdrawnBeforeAnythingElseIsWritten() {
        MemoryStorage file = withBitmap("b");
        patch(file, 88, 0xff01L);
        BitmapDisk.change(file, image -> write(image, 0, 1));
        assertEquals(1, HeaderCodec.read(file).autoclear());
        assertEquals(List.of("b"), names(file));
    }

    private static void patch(StorageNode file, long offset, long value) {
        MemorySegment bytes = MemorySegment.ofArray(new byte[8]);
        dev.gaur.mem.Bytes.putU64(bytes, 0, value);
        file.write(offset, bytes, Durability.CACHED);
    }

    @Test
    void unknownExtensionsAndFieldsAreKept() {
        MemoryStorage file = BitmapDisk.create(OPTIONS);
        Header header = HeaderCodec.read(file);
        HeaderEdit edit = new HeaderEdit(header);
        edit.setExtension(0x12345678, new byte[] {1, 2, 3});
        byte[] cluster = HeaderCodec.encode("", edit.header());
        cluster[111] = 9;
        file.write(0, MemorySegment.ofArray(cluster), Durability.CACHED);
        BitmapDisk.change(file, image -> BitmapDisk.bitmaps(image).add("b", 512, true));
        Header now = HeaderCodec.read(file);
        assertArrayEquals(new byte[] {1, 2, 3}, now.extension(0x12345678).orElseThrow().data());
        assertEquals(9, now.unknownFields()[now.unknownFields().length - 1]);
        assertEquals(List.of("b"), names(file));
    }
}
