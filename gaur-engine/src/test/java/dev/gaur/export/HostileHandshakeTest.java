package dev.gaur.export;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gaur.nbd.Nbd;
import dev.gaur.net.Endpoint;
import dev.gaur.storage.memory.MemoryStorage;
import dev.gaur.testkit.NbdScript;
import dev.gaur.testkit.NbdScript.OptionReply;
import dev.gaur.testkit.TestBytes;
import java.io.ByteArrayOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Peers that mean harm, or are broken, before they have an export. Each test ends with a good
 * client that is served, and with nothing left when the server is closed.
 *
 * <ul>
 *   <li>CVE-2017-15118, CVE-2022-26496 (length of a name): {@code aNameOfAnyLengthIsRefused}
 *   <li>CVE-2017-15119 (option of 4 GiB): {@code anOptionOfAnyLengthIsDroppedOrEndsIt}
 *   <li>CVE-2017-9524, -7539, -10664 (port scan, disconnect, junk): {@code portScans}, {@code
 *       junkEndsTheConnection}, {@code aCutAtAnyByteEndsTheConnection}
 *   <li>CVE-2020-10761 (error longer than the limit): {@code textsAtTheLimitStayWithinIt}
 *   <li>CVE-2024-7409 (clients that never choose): {@code whoNeverChoosesIsCutOff}, {@code
 *       silentClientsGiveTheirPlacesUp}
 * </ul>
 */
@Timeout(120)
class HostileHandshakeTest extends WithTestServer {
    private static final int[] NAMED = {
        Nbd.OPT_INFO, Nbd.OPT_GO, Nbd.OPT_LIST_META_CONTEXT, Nbd.OPT_SET_META_CONTEXT
    };

    private static final long[] LENGTHS = {
        0,
        1,
        3,
        4095,
        4096,
        4097,
        16_383,
        16_384,
        65_535,
        65_536,
        1 << 20,
        0x7fff_ffffL,
        0x8000_0000L,
        0xffff_fffcL,
        0xffff_ffffL
    };

    @Override
    ServerOptions options() {
        return ServerOptions.DEFAULT.withHandshakeLimit(Duration.ofMinutes(2));
    }

    private static void assertGoesOn(NbdScript script) throws IOException {
        List<OptionReply> exports = script.expectAck(Nbd.OPT_LIST, new byte[0]);
        assertEquals(3, exports.size());
    }

    // ---- lengths

    @Test
    void aNameOfAnyLengthIsRefused() throws IOException {
        try (NbdScript script = NbdScript.greeted(server.unix)) {
            script.expectAck(Nbd.OPT_STRUCTURED_REPLY, new byte[0]);
            for (int option : NAMED) {
                for (long length : LENGTHS) {
                    for (int data : new int[] {0, 1, 2, 6, 4096, 4102, 8000}) {
                        ByteBuffer all = NbdScript.bytes(4 + data).putInt((int) length);
                        OptionReply last = script.ask(option, all.array()).getLast();
                        assertTrue(last.type() < 0, option + " with a name of " + length);
                    }
                }
            }
            assertGoesOn(script);
        }
    }

    @Test
    void anExportNameOfAnyLengthEndsTheConnection() throws Exception {
        int count = 0;
        for (long length : LENGTHS) {
            try (NbdScript script = NbdScript.greeted(server.unix)) {
                script.send(NbdScript.optionHeader(Nbd.OPT_EXPORT_NAME, (int) length));
                if (length <= 5000) { // Of longer ones nothing is waited for.
                    script.send(new byte[(int) length]);
                    script.endSending();
                }
                script.awaitEnd();
                count++;
            }
        }
        assertEquals(count, server.awaitEnded(count));
    }

    @Test
    void countsOfAnySizeAreRefused() throws IOException {
        try (NbdScript script = NbdScript.greeted(server.unix)) {
            script.expectAck(Nbd.OPT_STRUCTURED_REPLY, new byte[0]);
            for (int count : new int[] {1, 2, 5, 1000, Integer.MAX_VALUE, Integer.MIN_VALUE, -1}) {
                byte[] queries = NbdScript.contexts("disk");
                ByteBuffer.wrap(queries).putInt(queries.length - 4, count);
                int set = Nbd.OPT_SET_META_CONTEXT;
                assertEquals(Nbd.REP_ERR_INVALID, script.ask(set, queries).getLast().type());
                byte[] infos = NbdScript.named("disk");
                ByteBuffer.wrap(infos).putShort(infos.length - 2, (short) count);
                OptionReply refused = script.ask(Nbd.OPT_INFO, infos).getLast();
                int expected = (short) count == 0 ? Nbd.REP_ACK : Nbd.REP_ERR_INVALID;
                assertEquals(expected, refused.type());
            }
            assertGoesOn(script);
        }
    }

    @Test
    void anOptionOfAnyLengthIsDroppedOrEndsIt() throws Exception {
        int ended = 0;
        for (int option = 0; option < 14; option++) {
            for (long length : LENGTHS) {
                boolean tooLong = length > 1 << 20;
                boolean ends = tooLong || (option <= Nbd.OPT_ABORT && option > 0);
                try (NbdScript script = NbdScript.greeted(server.unix)) {
                    script.send(NbdScript.optionHeader(option, (int) length));
                    if (tooLong) {
                        script.awaitEnd(); // At once: not a byte of it is waited for.
                    } else if (!ends) {
                        script.send(new byte[(int) length]);
                        script.optionReplies();
                        assertGoesOn(script);
                    }
                }
                ended++;
            }
        }
        server.awaitEnded(ended);
    }

    @Test
    void textsAtTheLimitStayWithinIt() throws IOException {
        String longest = "\u00e4".repeat(2048);
        var disk = new MemoryStorage("disk", 1 << 20);
        var other = Export.of(longest, disk).withDescription("\u20ac".repeat(1365) + "x");
        server.server.add(other);
        try (NbdScript script = NbdScript.greeted(server.unix)) {
            for (OptionReply reply : script.expectAck(Nbd.OPT_LIST, new byte[0])) {
                assertTrue(reply.data().length <= 4 + 2 * Nbd.STRING_MAX);
            }
            byte[] all =
                    ByteBuffer.allocate(6 + 4096 + 4)
                            .putInt(4096)
                            .put(longest.getBytes(StandardCharsets.UTF_8))
                            .putShort((short) 2)
                            .putShort((short) 1)
                            .putShort((short) 2)
                            .array();
            List<OptionReply> replies = script.expectAck(Nbd.OPT_INFO, all);
            assertEquals(2 + 4096, replies.get(0).data().length);
            assertEquals(2 + 4096, replies.get(1).data().length);
            for (int option : NAMED) {
                byte[] unknown = NbdScript.named("\u00f6".repeat(2048));
                OptionReply error = script.ask(option, unknown).getLast();
                assertTrue(error.type() < 0 && error.data().length <= Nbd.STRING_MAX);
            }
        }
        server.server.remove(longest);
    }

    // ---- noise

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void portScans(boolean reset) throws Exception {
        for (int i = 0; i < 200; i++) {
            NbdScript scan = NbdScript.connect(i % 2 == 0 ? server.tcp : server.unix);
            if (reset) {
                scan.reset();
            } else {
                scan.close();
            }
        }
        server.awaitEnded(200);
    }

    @Test
    void junkEndsTheConnection() throws Exception {
        byte[][] junk = {
            "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n".getBytes(StandardCharsets.UTF_8),
            "SSH-2.0-OpenSSH_9.6\r\n".getBytes(StandardCharsets.UTF_8),
            new byte[100],
            {22, 3, 1, 2, 0, 1, 0, 1, (byte) 0xfc, 3, 3}, // The beginning of TLS.
            ByteBuffer.allocate(4).putInt(4).array(), // A flag that nobody knows.
            ByteBuffer.allocate(20).putInt(1).putLong(Nbd.MAGIC).putLong(7).array(),
            ByteBuffer.allocate(20).putInt(3).putLong(Nbd.REPLY_MAGIC).putLong(7).array(),
        };
        for (byte[] each : junk) {
            try (NbdScript script = NbdScript.connect(server.tcp)) {
                script.send(each);
                script.awaitEnd();
            }
        }
        assertEquals(junk.length, server.awaitEnded(junk.length));
    }

    /** All that a client says that uses everything, in each form of replies. */
    private static byte[] session(int replies) throws IOException {
        ByteArrayOutputStream all = new ByteArrayOutputStream();
        all.writeBytes(NbdScript.bytes(4).putInt(3).array());
        put(all, Nbd.OPT_LIST, new byte[0]);
        if (replies != 0) {
            put(all, replies, new byte[0]);
            put(all, Nbd.OPT_SET_META_CONTEXT, NbdScript.contexts("disk", "base:allocation"));
        }
        put(all, Nbd.OPT_INFO, NbdScript.named("disk"));
        put(all, Nbd.OPT_GO, NbdScript.named("disk"));
        boolean extended = replies == Nbd.OPT_EXTENDED_HEADERS;
        int type = 0;
        for (int length : new int[] {100, 40, 0, 4096, 100_000, 8192, 1 << 20}) {
            int command = type < Nbd.CMD_DISC ? type : type + 1;
            boolean write = command == Nbd.CMD_WRITE;
            int flags = write && extended ? Nbd.CMD_FLAG_PAYLOAD_LEN : 0;
            ByteBuffer request = NbdScript.bytes(32);
            request.putInt(extended ? Nbd.EXTENDED_REQUEST_MAGIC : Nbd.REQUEST_MAGIC);
            request.putShort((short) flags).putShort((short) command).putLong(type).putLong(8192);
            request = extended ? request.putLong(length) : request.putInt(length);
            all.write(request.array(), 0, request.position());
            all.writeBytes(new byte[write ? length : 0]);
            type++;
        }
        return all.toByteArray();
    }

    private static void put(ByteArrayOutputStream to, int option, byte[] data) {
        to.writeBytes(NbdScript.optionHeader(option, data.length));
        to.writeBytes(data);
    }

    @ParameterizedTest
    @ValueSource(ints = {0, Nbd.OPT_STRUCTURED_REPLY, Nbd.OPT_EXTENDED_HEADERS})
    void aCutAtAnyByteEndsTheConnection(int replies) throws Exception {
        byte[] session = session(replies);
        int connections = 0;
        for (int end = 0; end <= session.length; end++) {
            for (int way = 0; way < 3; way++) {
                Endpoint to = way == 2 ? server.unix : server.tcp;
                NbdScript script = NbdScript.connect(to);
                script.send(Arrays.copyOf(session, end));
                if (way == 0) {
                    script.reset();
                } else {
                    script.close();
                }
                connections++;
            }
        }
        server.awaitEnded(connections);
        byte[] outside = TestBytes.readArray(server.disk, 0, 8192);
        assertTrue(Arrays.equals(outside, 0, 8192, server.content, 0, 8192));
    }

    // ---- time and number

    @Test
    void whoNeverChoosesIsCutOff() throws Exception {
        Path other = folder.resolve("quick");
        Files.createDirectory(other);
        ServerOptions quick = ServerOptions.DEFAULT.withHandshakeLimit(Duration.ofMillis(1));
        byte[] session = session(0);
        try (TestServer hasty = new TestServer(other, quick)) {
            int count = 0;
            for (int end = 0; end < 70; end += 3) {
                try (NbdScript slow = NbdScript.connect(hasty.tcp)) {
                    slow.send(Arrays.copyOf(session, end));
                    slow.awaitEnd(); // Would wait forever if nobody ended it.
                    count++;
                }
            }
            assertEquals(count, hasty.awaitEnded(count)); // Whoever watches the server hears it.
        }
    }

    @Test
    void silentClientsGiveTheirPlacesUp() throws Exception {
        Path other = folder.resolve("few");
        Files.createDirectory(other);
        ServerOptions few =
                ServerOptions.DEFAULT
                        .withConnectionsMax(4)
                        .withHandshakeLimit(Duration.ofMillis(200));
        List<NbdScript> silent = new ArrayList<>();
        try (TestServer small = new TestServer(other, few)) {
            for (int i = 0; i < 12; i++) {
                silent.add(NbdScript.connect(small.tcp));
            }
            assertEquals(12, small.awaitEnded(12));
            TestServer.await("nobody is served", () -> isServing(small));
            for (NbdScript each : silent) {
                each.close();
            }
        }
    }

    /** A good client may take too long as well, on a machine that does other things. */
    private static boolean isServing(TestServer server) {
        try {
            server.assertServes();
            return true;
        } catch (IOException _) {
            return false;
        }
    }

    @Test
    void noMoreClientsThanAllowedAreServedAtOnce() throws Exception {
        Path other = folder.resolve("two");
        Files.createDirectory(other);
        try (TestServer two = new TestServer(other, ServerOptions.DEFAULT.withConnectionsMax(2))) {
            NbdScript first = NbdScript.simple(two.unix, "disk");
            NbdScript second = NbdScript.simple(two.unix, "disk");
            NbdScript third = NbdScript.connect(two.unix); // Waits in the system's queue.
            first.readSimple(0, 100);
            second.readSimple(0, 100);
            assertEquals(2, two.server.connections());
            first.close();
            third.greet(3);
            third.go("disk");
            assertTrue(two.server.connections() <= 2);
            second.close();
            third.close();
            two.awaitEnded(3);
        }
    }

    @Test
    void aServerThatIsClosedEndsWhoHasNotChosen() throws Exception {
        Path other = folder.resolve("third");
        Files.createDirectory(other);
        TestServer third = new TestServer(other, ServerOptions.DEFAULT);
        NbdScript silent = NbdScript.connect(third.tcp);
        NbdScript half = NbdScript.greeted(third.unix);
        half.send(NbdScript.optionHeader(Nbd.OPT_LIST, 100));
        TestServer.await("not accepted", () -> third.server.connections() == 2);
        third.server.close();
        silent.awaitEnd();
        half.awaitEnd();
        silent.close();
        half.close();
        third.close();
    }

    @Test
    void unknownOptionsAreRefusedAndItGoesOn() throws IOException {
        try (NbdScript script = NbdScript.greeted(server.unix)) {
            for (int option : new int[] {0, 4, 12, 13, 1000, Integer.MAX_VALUE, -1}) {
                OptionReply reply = script.ask(option, new byte[9]).getLast();
                assertEquals(Nbd.REP_ERR_UNSUP, reply.type());
                assertEquals(option, reply.option());
            }
            assertGoesOn(script);
        }
    }

    @Test
    void abortIsAcknowledgedAndEndsIt() throws Exception {
        try (NbdScript script = NbdScript.greeted(server.unix)) {
            script.expectAck(Nbd.OPT_ABORT, new byte[0]);
            assertThrows(EOFException.class, () -> script.receive(1));
        }
        assertEquals(0, server.awaitEnded(1));
    }
}
