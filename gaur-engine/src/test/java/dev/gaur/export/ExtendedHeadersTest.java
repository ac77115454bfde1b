package dev.gaur.export;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gaur.bitmap.DirtyBitmap;
import dev.gaur.nbd.Nbd;
import dev.gaur.nbd.NbdErrors;
import dev.gaur.storage.memory.MemoryStorage;
import dev.gaur.testkit.NbdScript;
import dev.gaur.testkit.NbdScript.OptionReply;
import dev.gaur.testkit.NbdScript.Reply;
import dev.gaur.testkit.TestBytes;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Requests and replies with 64-bit lengths, by a client that a test writes byte for byte: Debian's
 * libnbd and QEMU do not know them yet.
 */
@Timeout(60)
class ExtendedHeadersTest {
    private static final int PAYLOAD = Nbd.CMD_FLAG_PAYLOAD_LEN;
    private static final long HUGE = 1L << 45;

    @TempDir Path folder;
    private TestServer server;
    private final MemoryStorage huge = new MemoryStorage("huge", HUGE);
    private final DirtyBitmap dirty = new DirtyBitmap(HUGE, 1L << 20);

    @BeforeEach
    void serve() throws IOException {
        server = new TestServer(folder, ServerOptions.DEFAULT);
        dirty.set(1L << 40, 1L << 30);
        server.server.add(
                Export.of("huge", huge)
                        .withWritable(true)
                        .withContexts(
                                List.of(
                                        StatusContext.ALLOCATION,
                                        new StatusContext.Dirty("d", () -> dirty))));
    }

    @AfterEach
    void end() {
        server.close();
    }

    private NbdScript client(String... contexts) throws IOException {
        return NbdScript.with(server.unix, "huge", Nbd.OPT_EXTENDED_HEADERS, contexts);
    }

    private static void put(MemoryStorage disk, long offset, byte[] data) {
        disk.write(
                offset,
                java.lang.foreign.MemorySegment.ofArray(data),
                dev.gaur.block.Durability.CACHED);
    }

    // ---- agreeing

    @Test
    void theOptionHasNoDataAndRefusesTheOlderOneAfterwards() throws IOException {
        try (NbdScript script = NbdScript.greeted(server.unix)) {
            int option = Nbd.OPT_EXTENDED_HEADERS;
            assertEquals(Nbd.REP_ERR_INVALID, script.ask(option, new byte[1]).getLast().type());
            script.expectAck(Nbd.OPT_STRUCTURED_REPLY, new byte[0]);
            script.expectAck(option, new byte[0]);
            script.expectAck(option, new byte[0]);
            OptionReply refused = script.ask(Nbd.OPT_STRUCTURED_REPLY, new byte[0]).getLast();
            assertEquals(Nbd.REP_ERR_EXT_HEADER_REQD, refused.type());
            List<OptionReply> info = script.expectAck(Nbd.OPT_GO, NbdScript.named("huge"));
            int flags = 0;
            for (OptionReply reply : info) {
                ByteBuffer data = ByteBuffer.wrap(reply.data());
                if (data.remaining() == 12 && data.getShort() == Nbd.INFO_EXPORT) {
                    flags = data.getShort(10);
                }
            }
            assertTrue((flags & Nbd.SEND_DF) != 0);
            assertTrue((flags & Nbd.BLOCK_STATUS_PAYLOAD) != 0);
        }
    }

    @Test
    void aCompactRequestIsNoneAnyMore() throws Exception {
        try (NbdScript script = client()) {
            script.send(new byte[] {0x25, 0x60, (byte) 0x95, 0x13}, new byte[28]);
            script.awaitEnd();
        }
        assertEquals(1, server.awaitEnded(1));
    }

    // ---- data

    @ParameterizedTest
    @ValueSource(ints = {1, 511, 512, 4096, 65_536, 65_537, 1_000_000, 32 << 20})
    void whatIsWrittenIsRead(int length) throws IOException {
        byte[] data = TestBytes.patchy(new Random(length), length);
        long at = (1L << 33) + 77;
        try (NbdScript script = client()) {
            script.write(5, at, data);
            assertDone(script.reply(), 5, at);
            for (int flags : new int[] {0, Nbd.CMD_FLAG_DF}) {
                List<Reply> replies = script.call(flags, Nbd.CMD_READ, at, length);
                assertTrue(flags == 0 || replies.size() == 1, replies.size() + " pieces");
                assertArrayEquals(data, joined(replies, at, length));
            }
        }
    }

    /** Puts chunks where they say they belong; each byte must be told of once. */
    private static byte[] joined(List<Reply> replies, long from, int length) {
        byte[] all = new byte[length];
        int told = 0;
        for (Reply reply : replies) {
            assertEquals(Nbd.EXTENDED_REPLY_MAGIC, reply.magic());
            assertEquals(from, reply.offset());
            int at = (int) (reply.u64(0) - from);
            if (reply.type() == Nbd.REPLY_TYPE_OFFSET_HOLE) {
                assertEquals(12, reply.data().length);
                told += reply.u32(8);
            } else {
                assertEquals(Nbd.REPLY_TYPE_OFFSET_DATA, reply.type());
                int count = reply.data().length - 8;
                System.arraycopy(reply.data(), 8, all, at, count);
                told += count;
            }
        }
        assertEquals(length, told);
        return all;
    }

    private static void assertDone(Reply reply, long cookie, long offset) {
        assertEquals(Nbd.EXTENDED_REPLY_MAGIC, reply.magic());
        assertEquals(Nbd.REPLY_TYPE_NONE, reply.type());
        assertEquals(Nbd.REPLY_FLAG_DONE, reply.flags());
        assertEquals(cookie, reply.cookie());
        assertEquals(offset, reply.offset());
        assertEquals(0, reply.data().length);
    }

    @Test
    void writesNeedNoFlagForTheirPayload() throws IOException {
        try (NbdScript script = client()) {
            script.request(0, Nbd.CMD_WRITE, 8, 4096, 3, new byte[] {1, 2, 3});
            assertDone(script.reply(), 8, 4096);
            assertEquals(2, TestBytes.readArray(huge, 4097, 1)[0]);
        }
    }

    // ---- lengths beyond 32 bits

    @Test
    void zerosAndTrimsMayBeLongerThanFourGigabytes() throws IOException {
        long[] marks = {4096, (1L << 32) + 4096, (1L << 40), HUGE - 4096};
        int[] kinds = {Nbd.CMD_WRITE_ZEROES, Nbd.CMD_TRIM};
        for (int kind : kinds) {
            for (int flags : new int[] {0, Nbd.CMD_FLAG_FUA}) {
                for (long mark : marks) {
                    put(huge, mark, new byte[] {9, 9, 9});
                }
                try (NbdScript script = client()) {
                    long length = HUGE - 8192;
                    script.request(flags, kind, 4, 8192, length);
                    assertDone(script.reply(), 4, 8192);
                    assertEquals(9, TestBytes.readArray(huge, 4096, 1)[0]);
                    if (kind == Nbd.CMD_WRITE_ZEROES) {
                        for (int i = 1; i < marks.length; i++) {
                            assertEquals(0, TestBytes.readArray(huge, marks[i], 1)[0]);
                        }
                    }
                }
            }
        }
    }

    @Test
    void rangesThatLookNegativeOrPassTheEndAreRefused() throws IOException {
        long[] wrong = {HUGE + 1, Long.MAX_VALUE, Long.MIN_VALUE, -1, -4096};
        int[] kinds = {
            Nbd.CMD_READ, Nbd.CMD_TRIM, Nbd.CMD_CACHE, Nbd.CMD_WRITE_ZEROES, Nbd.CMD_BLOCK_STATUS
        };
        try (NbdScript script = client("base:allocation")) {
            for (int kind : kinds) {
                for (long length : wrong) {
                    assertError(script, kind, 0, length);
                    assertError(script, kind, 1, length);
                    assertError(script, kind, length, 4096);
                    assertError(script, kind, length, length);
                }
            }
            assertError(script, Nbd.CMD_READ, 0, (32 << 20) + 1);
            assertError(script, Nbd.CMD_READ, 0, 1L << 32);
            assertError(script, Nbd.CMD_CACHE, 0, (1L << 32) + 4096);
        }
    }

    private static void assertError(NbdScript script, int kind, long offset, long length)
            throws IOException {
        List<Reply> replies = script.call(0, kind, offset, length);
        Reply reply = replies.getFirst();
        String what = kind + " at " + offset + " +" + length;
        assertEquals(1, replies.size(), what);
        assertEquals(Nbd.REPLY_TYPE_ERROR, reply.type(), what);
        assertTrue(reply.error() == NbdErrors.EINVAL || reply.error() == NbdErrors.ENOSPC, what);
        assertEquals(offset, reply.offset(), what);
        int text = ByteBuffer.wrap(reply.data()).getShort(4);
        assertEquals(reply.data().length, 6 + text, what);
        assertTrue(text > 0 && text <= Nbd.STRING_MAX, what);
    }

    // ---- status

    @Test
    void statusTellsLengthsOf64BitsAndFlagsOf64Bits() throws IOException {
        put(huge, 1L << 42, new byte[4096]);
        put(huge, 1L << 42, new byte[] {1});
        try (NbdScript script = client("base:allocation", "qemu:dirty-bitmap:d")) {
            List<Reply> replies = script.call(0, Nbd.CMD_BLOCK_STATUS, 0, HUGE);
            assertEquals(2, replies.size());
            assertExtents(replies.get(0), 0, 1L << 42, 3, 4096, 0, HUGE - (1L << 42) - 4096, 3);
            long after = HUGE - (1L << 40) - (1L << 30);
            assertExtents(replies.get(1), 1, 1L << 40, 0, 1L << 30, 1, after, 0);
        }
    }

    private static void assertExtents(Reply reply, int id, long... expected) {
        assertEquals(Nbd.REPLY_TYPE_BLOCK_STATUS_EXT, reply.type());
        assertEquals(id, reply.u32(0));
        assertEquals(expected.length / 2, reply.u32(4));
        List<Long> got = new ArrayList<>();
        for (int at = 8; at < reply.data().length; at += 8) {
            got.add(reply.u64(at));
        }
        List<Long> wanted = new ArrayList<>();
        for (long each : expected) {
            wanted.add(each);
        }
        assertEquals(wanted, got);
    }

    private static byte[] filter(long length, int... ids) {
        ByteBuffer all = ByteBuffer.allocate(8 + 4 * ids.length).putLong(length);
        for (int id : ids) {
            all.putInt(id);
        }
        return all.array();
    }

    private static List<Reply> filtered(NbdScript script, int flags, long offset, byte[] payload)
            throws IOException {
        int all = PAYLOAD | flags;
        script.request(all, Nbd.CMD_BLOCK_STATUS, 6, offset, payload.length, payload);
        List<Reply> replies = new ArrayList<>();
        do {
            replies.add(script.reply());
            assertEquals(6, replies.getLast().cookie());
        } while (!replies.getLast().isFinal());
        return replies;
    }

    @Test
    void aPayloadChoosesAmongTheContexts() throws IOException {
        try (NbdScript script = client("base:allocation", "qemu:dirty-bitmap:d")) {
            List<Reply> second = filtered(script, 0, 1L << 40, filter(1L << 31, 1));
            assertEquals(1, second.size());
            assertExtents(second.getFirst(), 1, 1L << 30, 1, 1L << 30, 0);
            List<Reply> one = filtered(script, Nbd.CMD_FLAG_REQ_ONE, 1L << 40, filter(1L << 31, 1));
            assertExtents(one.getFirst(), 1, 1L << 30, 1);
            assertEquals(2, filtered(script, 0, 0, filter(4096, 0, 1)).size());
        }
    }

    @Test
    void wrongPayloadsAreRefusedAndItGoesOn() throws IOException {
        byte[][] wrong = {
            new byte[0],
            new byte[1],
            new byte[7],
            filter(4096),
            new byte[11],
            new byte[13],
            filter(0, 0),
            filter(-1, 0),
            filter(HUGE + 1, 0),
            filter(4096, 2),
            filter(4096, -1),
            filter(4096, 0, 1, 0),
            filter(4096, 0, 1, 2),
            filter(4096, new int[1000]),
        };
        try (NbdScript script = client("base:allocation", "qemu:dirty-bitmap:d")) {
            for (byte[] each : wrong) {
                Reply reply = filtered(script, 0, 0, each).getFirst();
                assertEquals(NbdErrors.EINVAL, reply.error(), each.length + " bytes");
            }
            Reply past = filtered(script, 0, HUGE - 4096, filter(4097, 0)).getFirst();
            assertEquals(NbdErrors.EINVAL, past.error());
            assertEquals(1, filtered(script, 0, HUGE - 4096, filter(4096, 0)).size());
        }
    }

    @Test
    void payloadsOfCommandsThatHaveNoneAreDropped() throws IOException {
        try (NbdScript script = client("base:allocation")) {
            for (int kind : new int[] {Nbd.CMD_READ, Nbd.CMD_TRIM, Nbd.CMD_FLUSH, 100}) {
                script.request(PAYLOAD, kind, 2, 0, 5000, new byte[5000]);
                assertEquals(NbdErrors.EINVAL, script.reply().error());
            }
            script.request(0, Nbd.CMD_FLUSH, 3, 0, 0);
            assertDone(script.reply(), 3, 0);
        }
    }

    @ParameterizedTest
    @ValueSource(longs = {(32 << 20) + 1, 1L << 40, -1, Long.MIN_VALUE})
    void aPayloadThatIsTooLongEndsTheConnection(long length) throws Exception {
        for (int kind : new int[] {Nbd.CMD_WRITE, Nbd.CMD_BLOCK_STATUS, Nbd.CMD_READ}) {
            try (NbdScript script = client("base:allocation")) {
                script.request(PAYLOAD, kind, 2, 0, length);
                script.awaitEnd();
            }
        }
        assertEquals(3, server.awaitEnded(3));
    }
}
