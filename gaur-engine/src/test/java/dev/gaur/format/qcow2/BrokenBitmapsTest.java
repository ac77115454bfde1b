package dev.gaur.format.qcow2;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gaur.block.BlockException;
import dev.gaur.block.Durability;
import dev.gaur.block.StorageNode;
import dev.gaur.format.BitmapInfo;
import dev.gaur.format.Bitmaps;
import dev.gaur.format.Image;
import dev.gaur.mem.Bytes;
import dev.gaur.storage.memory.MemoryStorage;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * A broken bitmap keeps nobody from the data, nor from the other bitmaps: the image opens for
 * reading and writing, says what is wrong, and the bitmap can be removed.
 */
class BrokenBitmapsTest {
    private static final int SIZE = 1_000_448;
    private static final int CLUSTER = 4096;
    private static final byte[] CONTENT = new byte[SIZE];

    static {
        new java.util.Random(1).nextBytes(CONTENT);
    }

    /** An image with bitmaps {@code good} and {@code bad}, and where the latter's parts are. */
    private record Patient(MemoryStorage file, long entry, long table, long bits) {
        static Patient make() {
            MemoryStorage file =
                    BitmapDisk.create(Qcow2CreateOptions.ofSize(SIZE).withClusterSize(CLUSTER));
            BitmapDisk.change(
                    file,
                    image -> {
                        Bitmaps bitmaps = BitmapDisk.bitmaps(image);
                        bitmaps.add("good", 65536, true);
                        bitmaps.add("bad", 512, true);
                        image.write(0, MemorySegment.ofArray(CONTENT), Durability.CACHED);
                    });
            Header header = HeaderCodec.read(file);
            BitmapEntry bad = BitmapDirectory.read(file, header).entries().get(1);
            long bits = BitmapTable.read(file, header, bad)[0];
            return new Patient(file, bad.at(), bad.tableOffset(), bits);
        }

        Patient put(long offset, int bytes, long value) {
            MemorySegment segment = MemorySegment.ofArray(new byte[bytes]);
            switch (bytes) {
                case 1 -> Bytes.putU8(segment, 0, (int) value);
                case 2 -> Bytes.putU16(segment, 0, (int) value);
                case 4 -> Bytes.putU32(segment, 0, value);
                default -> Bytes.putU64(segment, 0, value);
            }
            file.write(offset, segment, Durability.CACHED);
            return this;
        }
    }

    /** How a patient is made ill. */
    private interface Damage {
        void to(Patient patient);
    }

    /** A way to break the bitmap, and whether all that it says of its clusters is still true. */
    private record Flaw(String name, boolean leaks, Damage damage) {
        @Override
        public String toString() {
            return name;
        }
    }

    private static Flaw leaking(String name, Damage damage) {
        return new Flaw(name, true, damage);
    }

    private static Flaw tidy(String name, Damage damage) {
        return new Flaw(name, false, damage);
    }

    static Stream<Flaw> flaws() {
        return Stream.of(
                tidy("granularity 0", each -> each.put(each.entry() + 17, 1, 0)),
                tidy("granularity 8", each -> each.put(each.entry() + 17, 1, 8)),
                tidy("granularity 63", each -> each.put(each.entry() + 17, 1, 63)),
                tidy("granularity 255", each -> each.put(each.entry() + 17, 1, 255)),
                tidy("type", each -> each.put(each.entry() + 16, 1, 2)),
                tidy("flags", each -> each.put(each.entry() + 12, 4, 0xffff_fffa)),
                tidy("flag of extra data", each -> each.put(each.entry() + 12, 4, 6)),
                tidy("same name", each -> rename(each, "good")),
                leaking("no table", each -> each.put(each.entry(), 8, 0)),
                leaking("odd table", each -> each.put(each.entry(), 8, each.table() + 512)),
                leaking("table past the end", each -> each.put(each.entry(), 8, 1L << 40)),
                leaking("table at the end", each -> each.put(each.entry(), 8, -CLUSTER)),
                leaking("table of counts", each -> each.put(each.entry(), 8, CLUSTER)),
                leaking("no entries", each -> each.put(each.entry() + 8, 4, 0)),
                leaking("too many entries", each -> each.put(each.entry() + 8, 4, 2)),
                leaking("huge table", each -> each.put(each.entry() + 8, 4, 0x8000001L)),
                leaking("largest table", each -> each.put(each.entry() + 8, 4, 0xffff_ffffL)),
                leaking("odd bits", each -> each.put(each.table(), 8, each.bits() + 512)),
                leaking("ones with bits", each -> each.put(each.table(), 8, each.bits() + 1)),
                leaking("reserved bits", each -> each.put(each.table(), 8, each.bits() + 2)),
                leaking("bits past the end", each -> each.put(each.table(), 8, 1L << 50)),
                leaking("reserved high bit", each -> each.put(each.table(), 8, 1L << 62)),
                leaking("bits in the L1 table", BrokenBitmapsTest::intoL1),
                leaking("bits that are not counted", BrokenBitmapsTest::uncount));
    }

    private static void rename(Patient patient, String name) {
        patient.put(patient.entry() + 18, 2, name.length());
        byte[] bytes = name.getBytes(java.nio.charset.StandardCharsets.UTF_8);
        patient.file().write(patient.entry() + 24, MemorySegment.ofArray(bytes), Durability.CACHED);
    }

    private static void intoL1(Patient patient) {
        patient.put(patient.table(), 8, HeaderCodec.read(patient.file()).l1TableOffset());
    }

    private static void uncount(Patient patient) {
        Header header = HeaderCodec.read(patient.file());
        long block = Tables.readEntries(patient.file(), "", header.refcountTableOffset(), 1)[0];
        patient.put(block + 2 * (patient.bits() / CLUSTER), 2, 0);
    }

    @ParameterizedTest
    @MethodSource("flaws")
    void theImageCanBeReadAndSaysSo(Flaw flaw) {
        Patient patient = Patient.make();
        flaw.damage().to(patient);
        assertArrayEquals(CONTENT, BitmapDisk.content(patient.file()));
        assertEquals("good", BitmapDisk.list(patient.file()).getFirst().name());
        if (!isFoundByWritersOnly(flaw)) {
            assertEquals(1, BitmapDisk.warnings(patient.file()).size());
            assertTrue(BitmapDisk.list(patient.file()).get(1).isUnusable());
        }
    }

    /** Who else has a cluster is looked at only before the image is changed. */
    private static boolean isFoundByWritersOnly(Flaw flaw) {
        return List.of("table of counts", "bits in the L1 table", "bits that are not counted")
                .contains(flaw.name());
    }

    @ParameterizedTest
    @MethodSource("flaws")
    void theImageCanBeWrittenAndTheOtherBitmapFollows(Flaw flaw) {
        Patient patient = Patient.make();
        flaw.damage().to(patient);
        byte[] content = CONTENT.clone();
        BitmapDisk.change(
                patient.file(),
                image -> {
                    BitmapDisk.bitmaps(image).clear("good");
                    content[70_000] ^= 1;
                    MemorySegment one = MemorySegment.ofArray(content).asSlice(70_000, 1);
                    image.write(70_000, one, Durability.CACHED);
                    assertEquals(1, BitmapDisk.bitmaps(image).copyOf("good").count());
                    BitmapInfo bad = BitmapDisk.bitmaps(image).list().get(1);
                    assertTrue(!bad.broken().isEmpty(), bad.toString());
                    assertEquals(1, image.info().warnings().size());
                });
        assertArrayEquals(content, BitmapDisk.content(patient.file()));
        List<BitmapInfo> left = BitmapDisk.list(patient.file());
        assertEquals(2, left.size());
        assertTrue(!left.get(0).isUnusable() && left.get(1).isUnusable(), left.toString());
        assertTrue(left.get(1).inUse());
    }

    @ParameterizedTest
    @MethodSource("flaws")
    void theBitmapCanOnlyBeRemoved(Flaw flaw) {
        Patient patient = Patient.make();
        flaw.damage().to(patient);
        String name = flaw.name().equals("same name") ? "good" : "bad";
        BitmapDisk.change(
                patient.file(),
                image -> {
                    Bitmaps bitmaps = BitmapDisk.bitmaps(image);
                    if (name.equals("bad")) {
                        bitmaps.add("fresh", 512, true);
                        assertThrows(BlockException.class, () -> bitmaps.clear(name));
                        assertThrows(BlockException.class, () -> bitmaps.enable(name, true));
                        assertThrows(BlockException.class, () -> bitmaps.copyOf(name));
                        bitmaps.remove("fresh");
                    }
                    bitmaps.remove(name);
                });
        assertEquals(
                List.of(new BitmapInfo("good", 65536, false, true)),
                BitmapDisk.list(patient.file()));
        assertEquals(List.of(), BitmapDisk.warnings(patient.file()));
        assertArrayEquals(CONTENT, BitmapDisk.content(patient.file()));
        if (flaw.leaks()) {
            BitmapDisk.assertSound(patient.file(), "");
        } else {
            BitmapDisk.assertClean(patient.file(), "");
        }
    }

    // ---- the directory

    /** Bytes of the bitmaps extension. */
    private static ByteBuffer extension(StorageNode file) {
        byte[] data =
                HeaderCodec.read(file).extension(HeaderExtension.BITMAPS).orElseThrow().data();
        return ByteBuffer.wrap(data.clone());
    }

    private static void setExtension(StorageNode file, ByteBuffer data) {
        new LiveHeader(file, HeaderCodec.read(file))
                .rewrite(edit -> edit.setExtension(HeaderExtension.BITMAPS, data.array()));
    }

    static Stream<ByteBuffer> directories() {
        ByteBuffer sound = extension(Patient.make().file());
        return Stream.of(
                ByteBuffer.wrap(sound.array().clone()).putInt(0, 0),
                ByteBuffer.wrap(sound.array().clone()).putInt(0, 65536),
                ByteBuffer.wrap(sound.array().clone()).putInt(0, -1),
                ByteBuffer.wrap(sound.array().clone()).putLong(8, 0),
                ByteBuffer.wrap(sound.array().clone()).putLong(8, 23),
                ByteBuffer.wrap(sound.array().clone()).putLong(8, -1),
                ByteBuffer.wrap(sound.array().clone()).putLong(8, Long.MAX_VALUE),
                ByteBuffer.wrap(sound.array().clone()).putLong(16, 0),
                ByteBuffer.wrap(sound.array().clone()).putLong(16, 512),
                ByteBuffer.wrap(sound.array().clone()).putLong(16, CLUSTER),
                ByteBuffer.wrap(sound.array().clone()).putLong(16, 1L << 40),
                ByteBuffer.wrap(sound.array().clone()).putLong(16, -CLUSTER),
                ByteBuffer.wrap(new byte[16]),
                ByteBuffer.wrap(new byte[32]));
    }

    @ParameterizedTest
    @MethodSource("directories")
    void aDirectoryThatCannotBeUsedGoesWithTheFirstChange(ByteBuffer extension) {
        MemoryStorage file = Patient.make().file();
        setExtension(file, extension);
        assertArrayEquals(CONTENT, BitmapDisk.content(file));
        assertTrue(!BitmapDisk.warnings(file).isEmpty());
        BitmapDisk.change(
                file,
                image ->
                        image.write(
                                0,
                                MemorySegment.ofArray(CONTENT).asSlice(0, 1),
                                Durability.CACHED));
        assertEquals(List.of(), BitmapDisk.warnings(file));
        assertEquals(List.of(), BitmapDisk.list(file));
        assertArrayEquals(CONTENT, BitmapDisk.content(file));
        BitmapDisk.assertSound(file, "");
    }

    @Test
    void ofADirectoryThatIsCutShortTheSoundPartStays() {
        MemoryStorage file = Patient.make().file();
        ByteBuffer extension = extension(file);
        setExtension(file, extension.putInt(0, 3));
        assertEquals(1, BitmapDisk.warnings(file).size());
        assertEquals(2, BitmapDisk.list(file).size());
        try (Image image = BitmapDisk.open(file, true)) {
            image.write(0, MemorySegment.ofArray(CONTENT).asSlice(0, 1), Durability.CACHED);
        }
        assertEquals(List.of(), BitmapDisk.warnings(file));
        assertEquals(2, BitmapDisk.list(file).size());
        BitmapDisk.assertClean(file, "");
    }
}
