package dev.gaur.export;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gaur.bitmap.DirtyBitmap;
import dev.gaur.block.Durability;
import dev.gaur.nbd.Nbd;
import dev.gaur.storage.memory.MemoryStorage;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Options as they are read, replies and lists of extents as they are written: byte by byte. */
class WireFormsTest {
    private static final Request REQUEST =
            new Request(0, Nbd.CMD_READ, 0x1122334455667788L, 0x0102030405060708L, 4096);

    private static String hex(MemorySegment bytes, int count) {
        byte[] all = bytes.asSlice(0, count).toArray(ValueLayout.JAVA_BYTE);
        return HexFormat.of().formatHex(all);
    }

    // ---- replies

    @Test
    void dataHeadersInTheThreeForms() {
        MemorySegment out = MemorySegment.ofArray(new byte[64]);
        ReplyFormat.SIMPLE.putDataHeader(out, 0, REQUEST);
        assertEquals("67446698" + "00000000" + "1122334455667788", hex(out, 16));
        ReplyFormat.STRUCTURED.putDataHeader(out, 0, REQUEST);
        assertEquals(
                "668e33ef" + "0001" + "0001" + "1122334455667788" + "00001008" + "0102030405060708",
                hex(out, 28));
        ReplyFormat.EXTENDED.putDataHeader(out, 0, REQUEST);
        assertEquals(
                "6e8a278c"
                        + "0001"
                        + "0001"
                        + "1122334455667788"
                        + "0102030405060708"
                        + "0000000000001008"
                        + "0102030405060708",
                hex(out, 40));
    }

    @Test
    void holesTellTheirPlaceAndLength() {
        MemorySegment out = MemorySegment.ofArray(new byte[64]);
        int count = ReplyFormat.STRUCTURED.putHole(out, 0, REQUEST, 0x0102030405060808L, 9, false);
        assertEquals(
                "668e33ef"
                        + "0000"
                        + "0002"
                        + "1122334455667788"
                        + "0000000c"
                        + "0102030405060808"
                        + "00000009",
                hex(out, count));
        count = ReplyFormat.EXTENDED.putHole(out, 0, REQUEST, REQUEST.offset(), 9, true);
        assertEquals(44, count);
    }

    @Test
    void doneIsASimpleReplyUnlessHeadersAreExtended() {
        MemorySegment out = MemorySegment.ofArray(new byte[64]);
        assertEquals(16, ReplyFormat.SIMPLE.putDone(out, 0, REQUEST));
        assertEquals(16, ReplyFormat.STRUCTURED.putDone(out, 0, REQUEST));
        assertEquals(32, ReplyFormat.EXTENDED.putDone(out, 0, REQUEST));
        assertTrue(hex(out, 32).startsWith("6e8a278c00010000"));
    }

    @ParameterizedTest
    @EnumSource(ReplyFormat.class)
    void errorsWithTextsOfAnyLengthStayWithinTheirRoomAndCutNoCharacter(ReplyFormat format) {
        for (String letter : List.of("x", "\u00e4", "\u20ac", "\ud83d\ude00")) {
            for (int length = 0; length < 600; length++) {
                MemorySegment out = MemorySegment.ofArray(new byte[ReplyFormat.ERROR_BYTES_MAX]);
                String text = letter.repeat(length);
                int count = format.putError(out, 0, REQUEST, 5, text);
                assertTrue(count <= ReplyFormat.ERROR_BYTES_MAX);
                if (format != ReplyFormat.SIMPLE) {
                    int head = format.dataHeaderBytes() - 8;
                    byte[] all = out.toArray(ValueLayout.JAVA_BYTE);
                    int told = ByteBuffer.wrap(all).getShort(head + 4);
                    assertEquals(count, head + 6 + told);
                    String got = new String(all, head + 6, told, StandardCharsets.UTF_8);
                    assertTrue(text.startsWith(got), got);
                    assertTrue(got.length() == text.length() || told > 400);
                }
            }
        }
    }

    // ---- options

    private static OptionReader reader(int... bytes) {
        byte[] all = new byte[bytes.length];
        for (int i = 0; i < bytes.length; i++) {
            all[i] = (byte) bytes[i];
        }
        return new OptionReader(all);
    }

    @Test
    void whatIsThereIsRead() {
        OptionReader in = reader(0, 0, 0, 2, 'a', 'b', 0xff, 0xfe, 0xff, 0xff, 0xff, 0xff, 'z');
        assertEquals("ab", in.text());
        assertEquals(0xfffe, in.u16());
        assertEquals(0xffff_ffffL, in.u32());
        assertTrue(in.isSound());
        assertFalse(in.isEmpty());
        assertEquals("z", in.rest());
        assertTrue(in.isEmpty());
    }

    @Test
    void whatIsMissingIsZeroAndUnsoundForGood() {
        OptionReader in = reader(0, 0, 0, 3, 'a', 'b');
        assertEquals("", in.text());
        assertFalse(in.isSound());
        assertEquals(0, in.u16()); // Although two bytes are there.
        assertFalse(in.isSound());
        assertFalse(reader(1).u16() != 0);
        assertEquals(0, reader(1, 2, 3).u32());
    }

    @Test
    void textsHaveAtMost4096Bytes() {
        for (int length : new int[] {4096, 4097}) {
            ByteBuffer all = ByteBuffer.allocate(4 + length).putInt(length);
            OptionReader in = new OptionReader(all.array());
            assertEquals(length == 4096 ? 4096 : 0, in.text().length());
            assertEquals(length == 4096, in.isSound());
        }
        OptionReader negative = reader(0xff, 0xff, 0xff, 0xff);
        assertEquals("", negative.text());
        assertFalse(negative.isSound());
    }

    // ---- lists of extents

    private static StatusList list(
            MemoryStorage disk, StatusContext context, long at, long length, int most) {
        return StatusList.of(context, disk, at, length, most, false);
    }

    private static MemoryStorage striped(int stripes) {
        MemoryStorage disk = new MemoryStorage("striped", stripes * 8192L);
        byte[] data = new byte[4096];
        data[0] = 1;
        for (int i = 0; i < stripes; i++) {
            disk.write(i * 8192L, MemorySegment.ofArray(data), Durability.CACHED);
        }
        return disk;
    }

    @Test
    void neighboursOfOneKindAreJoinedAndTheLimitIsKept() {
        MemoryStorage disk = striped(100);
        StatusList all = list(disk, StatusContext.ALLOCATION, 0, 100 * 8192L, 1000);
        assertEquals(200, all.count());
        assertEquals(4096, all.length(0));
        assertEquals(0, all.flags(0));
        assertEquals(3, all.flags(1));
        StatusList few = list(disk, StatusContext.ALLOCATION, 0, 100 * 8192L, 7);
        assertEquals(7, few.count());
        StatusList one = list(disk, StatusContext.ALLOCATION, 100, 50, 1);
        assertEquals(1, one.count());
        assertEquals(50, one.length(0));
    }

    @Test
    void lengthsOf32BitsAreNeverExceeded() {
        MemoryStorage disk = new MemoryStorage("large", 1L << 40);
        StatusList all = list(disk, StatusContext.ALLOCATION, 0, 1L << 40, 10_000);
        long sum = 0;
        for (int i = 0; i < all.count(); i++) {
            assertTrue(all.length(i) > 0 && all.length(i) <= 0xffff_ffffL);
            sum += all.length(i);
        }
        assertEquals(1L << 40, sum);
    }

    @Test
    void bitsOfABitmapAreToldForAnyRange() {
        Random random = new Random(1);
        DirtyBitmap bitmap = new DirtyBitmap(1_000_000, 512);
        for (int i = 0; i < 300; i++) {
            bitmap.set(random.nextInt(1_000_000), 1);
        }
        StatusContext context = new StatusContext.Dirty("b", () -> bitmap);
        MemoryStorage disk = new MemoryStorage("disk", 1_000_000);
        for (int i = 0; i < 500; i++) {
            int at = random.nextInt(999_999);
            int length = 1 + random.nextInt(1_000_000 - at);
            StatusList told = list(disk, context, at, length, 5000);
            long place = at;
            List<Long> kinds = new ArrayList<>();
            for (int j = 0; j < told.count(); j++) {
                assertEquals(told.flags(j) == 1, bitmap.isSet(place));
                assertEquals(told.flags(j) == 1, bitmap.isSet(place + told.length(j) - 1));
                kinds.add(told.flags(j));
                place += told.length(j);
            }
            assertEquals(at + (long) length, place);
            for (int j = 1; j < kinds.size(); j++) {
                assertTrue(!kinds.get(j).equals(kinds.get(j - 1)));
            }
        }
    }

    @Test
    void bitsAreThoseOfThePartThatIsExportedAndAllIsDirtyBehindThem() {
        DirtyBitmap bitmap = new DirtyBitmap(10_000, 512);
        bitmap.set(1024, 512);
        bitmap.set(4096, 1);
        StatusContext context = new StatusContext.Dirty("b", () -> bitmap, 1100);
        StatusList told = list(new MemoryStorage("disk", 20_000), context, 100, 10_000, 10);
        assertArrayEquals(
                new long[] {336, 1, 2560, 0, 512, 1, 5392, 0, 1200, 1},
                IntStream.range(0, told.count())
                        .mapToObj(i -> LongStream.of(told.length(i), told.flags(i)))
                        .flatMapToLong(each -> each)
                        .toArray());
    }

    @Test
    void bitsMayBeSetWhileTheyAreTold() throws InterruptedException {
        int size = 1 << 20;
        DirtyBitmap bitmap = new DirtyBitmap(size, 512);
        StatusContext context = new StatusContext.Dirty("b", () -> bitmap);
        MemoryStorage disk = new MemoryStorage("disk", size);
        Random random = new Random(2);
        Thread writer =
                Thread.ofPlatform()
                        .start(
                                () -> {
                                    for (int i = 0; i < 20_000; i++) {
                                        bitmap.set(random.nextInt(size), 1);
                                    }
                                });
        boolean goOn = true;
        while (goOn) {
            goOn = writer.isAlive();
            StatusList told = list(disk, context, 0, size, 5000);
            long sum = 0;
            for (int i = 0; i < told.count(); i++) {
                assertTrue(told.length(i) > 0);
                sum += told.length(i);
            }
            assertEquals(size, sum);
        }
        writer.join();
    }

    @Test
    void bothFormsOfAListAsTheyAreSent() {
        StatusList list = list(striped(1), StatusContext.ALLOCATION, 0, 8192, 10);
        byte[] narrow = new byte[(int) StatusList.bytes(2, false)];
        list.put(MemorySegment.ofArray(narrow), 7, false);
        assertArrayEquals(
                HexFormat.of().parseHex("00000007" + "00001000" + "00000000" + "0000100000000003"),
                narrow);
        byte[] wide = new byte[(int) StatusList.bytes(2, true)];
        list.put(MemorySegment.ofArray(wide), 7, true);
        assertArrayEquals(
                HexFormat.of()
                        .parseHex(
                                "0000000700000002"
                                        + "00000000000010000000000000000000"
                                        + "00000000000010000000000000000003"),
                wide);
    }
}
