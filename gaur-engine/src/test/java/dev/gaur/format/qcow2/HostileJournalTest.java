package dev.gaur.format.qcow2;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gaur.block.BlockException;
import dev.gaur.block.Durability;
import dev.gaur.format.Image;
import dev.gaur.format.qcow2.Kinds.Kind;
import dev.gaur.mem.Bytes;
import dev.gaur.storage.memory.MemoryStorage;
import dev.gaur.testkit.TestBytes;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Random;
import java.util.zip.CRC32C;
import org.junit.jupiter.api.Test;

/**
 * Journals that somebody made up. They are refused, and a whole repair follows; or they make counts
 * wrong, as whoever can write a journal can make them anyway; no other byte changes by them, and
 * the work is bounded.
 */
class HostileJournalTest {
    private static final long SEED = Long.getLong("gaur.seed", 20261126L);
    private static final int SIZE = 1 << 20;
    private static final int CLUSTER = 512;
    private static final Kind KIND =
            new Kind(
                    "journal",
                    Qcow2CreateOptions.ofSize(SIZE).withClusterSize(CLUSTER).withJournal(true),
                    0);

    private byte[] content = {};

    /** An image that was not closed. */
    private MemoryStorage crashed() {
        MemoryStorage storage = KIND.create();
        Random random = new Random(SEED);
        content = new byte[SIZE];
        try (Image image = KIND.open(storage)) {
            for (int i = 0; i < 12; i++) {
                Kinds.write(image, content, random);
                image.flush();
            }
            return Kinds.copy(storage);
        }
    }

    private static JournalPlace place(MemoryStorage storage) {
        return JournalPlace.of(HeaderCodec.read(storage)).orElseThrow();
    }

    private static void put(MemoryStorage storage, JournalPlace place) {
        LiveHeader header = new LiveHeader(storage, HeaderCodec.read(storage));
        byte[] bytes = place.encode();
        header.rewrite(edit -> edit.setExtension(HeaderExtension.JOURNAL, bytes));
    }

    private byte[] read(MemoryStorage storage) {
        try (Image image = KIND.open(new KeepOpen(storage, false))) {
            return TestBytes.read(image, 0, SIZE);
        }
    }

    /** It is refused, and the image is repaired before its first change. */
    private void assertRefused(MemoryStorage storage, String what) {
        byte[] before = TestBytes.read(storage, 0, (int) storage.length());
        assertFalse(JournalReplay.run(storage, HeaderCodec.read(storage)), what);
        assertArrayEquals(before, TestBytes.read(storage, 0, (int) storage.length()), what);
        assertRepaired(storage, what);
    }

    private void assertRepaired(MemoryStorage storage, String what) {
        try (Image image = KIND.open(storage)) {
            image.write(0, MemorySegment.ofArray(new byte[] {content[0]}), Durability.STABLE);
        }
        assertEquals(List.of(), Kinds.findings(storage), what);
        assertArrayEquals(content, read(storage), what);
    }

    @Test
    void aPlaceThatCannotBeIsRefused() {
        MemoryStorage sound = crashed();
        JournalPlace place = place(sound);
        Header header = HeaderCodec.read(sound);
        long length = sound.length();
        List<JournalPlace> wrong =
                List.of(
                        new JournalPlace(0, place.length(), place.generation()),
                        new JournalPlace(place.offset(), 0, place.generation()),
                        new JournalPlace(place.offset() + 256, place.length(), place.generation()),
                        new JournalPlace(length, place.length(), place.generation()),
                        new JournalPlace(Long.MIN_VALUE, place.length(), place.generation()),
                        new JournalPlace(-4096, place.length(), place.generation()),
                        new JournalPlace(1L << 62, place.length(), place.generation()),
                        new JournalPlace(place.offset(), -4096, place.generation()),
                        new JournalPlace(place.offset(), Long.MAX_VALUE, place.generation()),
                        new JournalPlace(place.offset(), 1L << 40, place.generation()),
                        new JournalPlace(place.offset(), 1024 + 512, place.generation()),
                        new JournalPlace(place.offset(), place.length() / 2, place.generation()),
                        new JournalPlace(place.offset(), place.length(), place.generation() + 1),
                        new JournalPlace(header.l1TableOffset(), 4096, place.generation()),
                        new JournalPlace(header.refcountTableOffset(), 8192, place.generation()));
        for (JournalPlace each : wrong.subList(0, wrong.size())) {
            boolean half = each.length() == place.length() / 2 && each.offset() == place.offset();
            MemoryStorage storage = Kinds.copy(sound);
            put(storage, each);
            if (half) { // Its first half is whole all the same.
                assertRepaired(storage, each.toString());
            } else {
                assertRefused(storage, each.toString());
            }
        }
    }

    @Test
    void extensionsOfOtherVersionsAndLengthsAreLeftAlone() {
        MemoryStorage sound = crashed();
        for (byte[] data : new byte[][] {{1}, new byte[32], new byte[40], new byte[31]}) {
            MemoryStorage storage = Kinds.copy(sound);
            LiveHeader header = new LiveHeader(storage, HeaderCodec.read(storage));
            header.rewrite(edit -> edit.setExtension(HeaderExtension.JOURNAL, data));
            assertRefused(storage, data.length + " bytes");
            byte[] kept =
                    HeaderCodec.read(storage)
                            .extension(HeaderExtension.JOURNAL)
                            .orElseThrow()
                            .data();
            assertArrayEquals(data, kept);
        }
    }

    @Test
    void anyByteThatIsNotAsItWasEndsTheJournalThere() {
        MemoryStorage sound = crashed();
        JournalPlace place = place(sound);
        Random random = new Random(SEED);
        for (int i = 0; i < 400; i++) {
            MemoryStorage storage = Kinds.copy(sound);
            long at = place.offset() + random.nextInt(i % 2 == 0 ? 64 : (int) place.length());
            byte[] one = TestBytes.read(storage, at, 1);
            one[0] ^= (byte) (1 << random.nextInt(8));
            storage.write(at, MemorySegment.ofArray(one), Durability.CACHED);
            // A block that was stable is gone: no crash does that, and what it says is missing.
            KIND.open(storage).close();
            assertArrayEquals(content, read(storage), "seed " + SEED + ", round " + i);
            try (Image image = KIND.open(storage)) {
                image.write(0, MemorySegment.ofArray(new byte[1]), Durability.STABLE);
            }
        }
    }

    /** Makes the checksum of the block in a place right. */
    private static void sign(MemorySegment block) {
        long length = Bytes.u32(block, JournalRing.LENGTH_AT);
        long end = Math.min(block.byteSize(), JournalRing.HEAD_BYTES + length);
        CRC32C crc = new CRC32C();
        crc.update(
                block.asSlice(JournalRing.CHECKED_FROM, end - JournalRing.CHECKED_FROM)
                        .asByteBuffer());
        Bytes.putU32(block, JournalRing.CRC_AT, crc.getValue());
    }

    private static final long[] WILD = {
        0,
        1,
        -1,
        2,
        511,
        512,
        4096,
        8192,
        1 << 20,
        1L << 31,
        1L << 32,
        1L << 55,
        1L << 56,
        Long.MAX_VALUE,
        Long.MIN_VALUE,
        1L << 56 | 3,
        2L << 56 | 2,
        3L << 56 | 2,
        4L << 56 | 3,
        5L << 56,
        1L << 56,
        4L << 56 | 3L << 20
    };

    /** Which blocks the journal in force has: offsets in the file. */
    private static long[] blocks(MemoryStorage storage, JournalPlace place) {
        return java.util.stream.LongStream.iterate(
                        place.offset(), it -> it < place.offset() + place.length(), it -> it + 512)
                .filter(it -> Bytes.u32(segment(storage, it, 4), 0) == JournalRing.MAGIC)
                .toArray();
    }

    private static MemorySegment segment(MemoryStorage storage, long offset, int length) {
        return MemorySegment.ofArray(TestBytes.read(storage, offset, length));
    }

    @Test
    void aJournalThatIsMadeUpChangesNothingButCounts() {
        MemoryStorage sound = crashed();
        JournalPlace place = place(sound);
        long[] blocks = blocks(sound, place);
        assertTrue(blocks.length > 4, blocks.length + " blocks");
        Random random = new Random(SEED);
        int believed = 0;
        for (int i = 0; i < 4000; i++) {
            MemoryStorage storage = Kinds.copy(sound);
            long at = blocks[random.nextInt(blocks.length)];
            MemorySegment block = segment(storage, at, 512);
            for (int n = random.nextInt(3); n >= 0; n--) {
                int words = 3 + random.nextInt(20);
                long word =
                        random.nextBoolean()
                                ? WILD[random.nextInt(WILD.length)]
                                : Bytes.u64(block, 8L * words) + random.nextInt(9) - 4;
                Bytes.putU64(block, 8L * words, word);
            }
            sign(block);
            storage.write(at, block, Durability.CACHED);
            String what = "seed " + SEED + ", round " + i;
            try {
                believed += JournalReplay.run(storage, HeaderCodec.read(storage)) ? 1 : 0;
            } catch (BlockException.Media failed) {
                throw new AssertionError(what, failed);
            }
            assertArrayEquals(content, read(storage), what);
            HeaderCodec.read(storage);
        }
        assertTrue(believed > 0, "else nothing but checksums was tested");
    }

    @Test
    void noCountsLieInTheHeader() {
        MemoryStorage storage = crashed();
        long sizeAt = 24; // Of the disk; the refcount table has entries that are 0.
        JournalRing ring = new JournalRing(storage, place(storage));
        ring.read();
        JournalRecords words = new JournalRecords();
        words.words(sizeAt, 1, SIZE / 2);
        ring.start(words);
        assertRefused(storage, "a word of the header");
    }
}
