package dev.gaur.export;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gaur.bitmap.DirtyBitmap;
import dev.gaur.block.Durability;
import dev.gaur.nbd.Nbd;
import dev.gaur.nbd.NbdErrors;
import dev.gaur.storage.memory.MemoryStorage;
import dev.gaur.testkit.NbdScript;
import dev.gaur.testkit.NbdScript.Reply;
import dev.gaur.testkit.TestBytes;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Clients that mean harm, or are broken, once they have an export.
 *
 * <ul>
 *   <li>CVE-2024-7409 (server stopped with clients open): {@code stoppingUnderLoad...}
 *   <li>nbdkit's CVE-2025-47711, -47712 (status of the largest ranges): {@code
 *       statusOfAnyLength...}
 *   <li>1 000 idle connections: {@code idleConnections...}
 *   <li>clients that do not take answers, or send no data: {@code whoNever...}
 * </ul>
 */
@Timeout(120)
class HostileTransmissionTest extends WithTestServer {
    private static final int STRUCTURED = Nbd.OPT_STRUCTURED_REPLY;
    private static final int EXTENDED = Nbd.OPT_EXTENDED_HEADERS;
    private static final long[] EDGES = {
        0,
        1,
        4095,
        TestServer.SIZE - 1,
        TestServer.SIZE,
        TestServer.SIZE + 1,
        0x7fff_ffffL,
        0x8000_0000L,
        0xffff_ffffL,
        0x1_0000_0000L,
        Long.MAX_VALUE - 1,
        Long.MAX_VALUE,
        Long.MIN_VALUE,
        -4096,
        -1
    };

    @Override
    ServerOptions options() {
        return ServerOptions.DEFAULT.withDrainLimit(Duration.ofMillis(300));
    }

    private NbdScript client(int replies, String export) throws IOException {
        return replies == 0
                ? NbdScript.simple(server.unix, export)
                : NbdScript.with(server.unix, export, replies, "base:allocation");
    }

    // ---- requests

    private static boolean isWithin(long offset, long length) {
        return offset >= 0
                && length >= 0
                && length <= TestServer.SIZE
                && offset <= TestServer.SIZE - length;
    }

    @ParameterizedTest
    @CsvSource({"0,disk", "8,disk", "11,disk", "0,read-only", "8,read-only", "11,read-only"})
    void everyCommandWithEveryFlagAndRangeIsAnsweredOnceAndRightly(int replies, String export)
            throws IOException {
        try (NbdScript client = client(replies, export)) {
            for (int type = 0; type < 12; type++) {
                if (type != Nbd.CMD_WRITE && type != Nbd.CMD_DISC) {
                    everyFlag(client, replies, export, type);
                }
            }
        }
    }

    private static void everyFlag(NbdScript client, int replies, String export, int type)
            throws IOException {
        for (int bit = 0; bit <= 16; bit++) {
            int flags = 1 << bit & 0xffff;
            boolean payload = flags == Nbd.CMD_FLAG_PAYLOAD_LEN && replies == EXTENDED;
            for (long offset : payload ? new long[0] : EDGES) {
                for (long length : EDGES) {
                    long asked = replies == EXTENDED ? length : length & 0xffff_ffffL;
                    call(client, replies, export, flags, type, offset, asked);
                }
            }
        }
    }

    private static void call(
            NbdScript client,
            int replies,
            String export,
            int flags,
            int type,
            long offset,
            long length)
            throws IOException {
        client.request(flags, type, 77, offset, length);
        Reply reply = client.reply();
        String what = "type %d flags %x range %x +%x".formatted(type, flags, offset, length);
        while (!reply.isFinal()) {
            assertEquals(77, reply.cookie(), what);
            reply = client.reply();
        }
        assertEquals(77, reply.cookie(), what);
        if (type == Nbd.CMD_READ && replies == 0 && reply.error() == 0) {
            client.receive((int) length);
        }
        boolean known = type <= Nbd.CMD_BLOCK_STATUS;
        boolean changes = type == Nbd.CMD_TRIM || type == Nbd.CMD_WRITE_ZEROES;
        boolean allowed = (flags & ~allowed(type)) == 0 && (!changes || export.equals("disk"));
        boolean status = type != Nbd.CMD_BLOCK_STATUS || (length > 0 && replies != 0);
        boolean fits = type == Nbd.CMD_FLUSH || isWithin(offset, length);
        boolean good = known && allowed && status && fits;
        boolean maybe = (flags & Nbd.CMD_FLAG_FAST_ZERO) != 0;
        if (!good || !maybe) {
            assertEquals(good, reply.error() == 0, what + " error " + reply.error());
        }
    }

    private static int allowed(int type) {
        return Nbd.CMD_FLAG_FUA
                | switch (type) {
                    case Nbd.CMD_READ -> Nbd.CMD_FLAG_DF;
                    case Nbd.CMD_WRITE_ZEROES -> Nbd.CMD_FLAG_NO_HOLE | Nbd.CMD_FLAG_FAST_ZERO;
                    case Nbd.CMD_BLOCK_STATUS -> Nbd.CMD_FLAG_REQ_ONE;
                    default -> 0;
                };
    }

    @ParameterizedTest
    @ValueSource(ints = {0, STRUCTURED, EXTENDED})
    void writesThatAreRefusedLeaveTheNextRequestWhereItIs(int replies) throws IOException {
        for (String export : List.of("disk", "read-only")) {
            try (NbdScript client = client(replies, export)) {
                byte[] data = new byte[4096];
                for (long offset : EDGES) {
                    client.write(9, offset, data);
                    boolean good = isWithin(offset, 4096) && export.equals("disk");
                    assertEquals(good, client.reply().error() == 0, "at " + offset);
                }
                client.request(Nbd.CMD_FLAG_NO_HOLE, Nbd.CMD_WRITE, 5, 0, 4096, data);
                assertEquals(NbdErrors.EINVAL, client.reply().error());
                client.request(0, Nbd.CMD_FLUSH, 6, 0, 0);
                assertEquals(6, client.reply().cookie());
            }
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {0, STRUCTURED, EXTENDED})
    void aWriteThatIsTooLongEndsTheConnection(int replies) throws Exception {
        long[] lengths = {(32 << 20) + 1, 0x8000_0000L, 0xffff_ffffL};
        for (long length : lengths) {
            try (NbdScript client = client(replies, "disk")) {
                int flags = replies == EXTENDED ? Nbd.CMD_FLAG_PAYLOAD_LEN : 0;
                client.request(flags, Nbd.CMD_WRITE, 1, 0, length);
                client.awaitEnd();
            }
        }
        assertEquals(lengths.length, server.awaitEnded(lengths.length));
    }

    /** With compact headers nothing follows, whatever the flag says. */
    @Test
    void aFlagForAPayloadWithoutExtendedHeadersIsRefusedWithoutWaitingForOne() throws IOException {
        try (NbdScript client = client(STRUCTURED, "disk")) {
            client.request(Nbd.CMD_FLAG_PAYLOAD_LEN, Nbd.CMD_BLOCK_STATUS, 1, 0, 4096);
            assertEquals(NbdErrors.EINVAL, client.reply().error());
        }
    }

    /** A chunk of data must have some. */
    @ParameterizedTest
    @ValueSource(ints = {STRUCTURED, EXTENDED})
    void aReadOfNothingIsAnsweredByAnEmptyChunk(int replies) throws IOException {
        try (NbdScript client = client(replies, "disk")) {
            for (int flags : new int[] {0, Nbd.CMD_FLAG_DF}) {
                Reply reply = client.call(flags, Nbd.CMD_READ, 4096, 0).getFirst();
                assertEquals(Nbd.REPLY_TYPE_NONE, reply.type());
                assertEquals(0, reply.data().length);
                assertTrue(reply.isFinal());
            }
        }
    }

    @Test
    void junkBehindAnswersEndsTheConnection() throws Exception {
        byte[] junk = new byte[28];
        junk[0] = 1;
        try (NbdScript client = client(0, "disk")) {
            client.readSimple(0, 10);
            client.send(junk);
            client.awaitEnd();
        }
        assertEquals(1, server.awaitEnded(1));
    }

    // ---- status

    @ParameterizedTest
    @ValueSource(ints = {STRUCTURED, EXTENDED})
    void statusOfAnyLengthDescribesAtMostWhatWasAsked(int replies) throws IOException {
        long size = 1L << 44;
        MemorySparse sparse = new MemorySparse(size);
        server.server.add(Export.of("huge", sparse.disk()));
        long[] lengths = {
            1,
            511,
            512,
            4096,
            0x7fff_ffffL,
            0x8000_0000L,
            0xffff_fe00L,
            0xffff_ffffL,
            0x1_0000_0000L,
            1L << 40,
            size
        };
        try (NbdScript client = client(replies, "huge")) {
            for (long offset : new long[] {0, 1, 4096, (1L << 32) - 512, 1L << 33}) {
                for (long length : lengths) {
                    boolean wide = replies == EXTENDED;
                    boolean possible = wide ? length <= size - offset : length < 1L << 32;
                    if (possible) {
                        assertStatus(client, wide, offset, length, 0);
                        assertStatus(client, wide, offset, length, Nbd.CMD_FLAG_REQ_ONE);
                    }
                }
            }
        }
        server.server.remove("huge");
    }

    private static void assertStatus(
            NbdScript client, boolean wide, long offset, long length, int flags)
            throws IOException {
        List<Reply> replies = client.call(flags, Nbd.CMD_BLOCK_STATUS, offset, length);
        Reply reply = replies.getFirst();
        String what = offset + " +" + length + " " + reply;
        assertEquals(1, replies.size(), what);
        assertEquals(0, reply.error(), what);
        int at = wide ? 8 : 4;
        int step = wide ? 16 : 8;
        int count = (reply.data().length - at) / step;
        assertTrue(count >= 1 && (count == 1 || flags == 0), what);
        if (wide) {
            assertEquals(count, reply.u32(4), what);
            assertEquals(offset, reply.offset(), what);
        }
        long sum = 0;
        for (int i = 0; i < count; i++, at += step) {
            long one = wide ? reply.u64(at) : reply.u32(at) & 0xffff_ffffL;
            assertTrue(one > 0, what);
            sum += one;
        }
        assertTrue(sum <= length && (sum == length || flags != 0), what + " tells of " + sum);
    }

    /** A disk of any size with a little data here and there. */
    private record MemorySparse(MemoryStorage disk) {
        MemorySparse(long size) {
            this(new MemoryStorage("sparse", size));
            for (long at : new long[] {0, 8192, 1L << 31, (1L << 32) - 4096, 1L << 40}) {
                if (at + 4096 <= size) {
                    byte[] data = {1, 2, 3};
                    disk.write(at, MemorySegment.ofArray(data), Durability.CACHED);
                }
            }
        }
    }

    /** Each of so many contexts could fill a reply; together they must not take all memory. */
    @Test
    void statusInManyFragmentedContextsIsAnswered() throws IOException {
        DirtyBitmap striped = new DirtyBitmap(TestServer.SIZE, 16);
        for (long at = 0; at < TestServer.SIZE; at += 32) {
            striped.set(at, 1);
        }
        List<StatusContext> contexts = new ArrayList<>();
        String[] names = new String[200];
        for (int i = 0; i < names.length; i++) {
            StatusContext context = new StatusContext.Dirty("b" + i, () -> striped);
            contexts.add(context);
            names[i] = context.name();
        }
        server.server.add(Export.of("many", server.disk).withContexts(contexts));
        try (NbdScript client = NbdScript.with(server.unix, "many", STRUCTURED, names)) {
            List<Reply> replies = client.call(0, Nbd.CMD_BLOCK_STATUS, 0, TestServer.SIZE);
            assertEquals(names.length, replies.size());
            int total = 0;
            for (Reply reply : replies) {
                assertTrue(reply.data().length > 4);
                total += reply.data().length;
            }
            assertTrue(total <= 2 << 20, total + " bytes");
        }
        server.server.remove("many");
    }

    // ---- clients that do not take, or do not give

    /** Has so many answers coming that the server's sockets are full. */
    private NbdScript greedy(int requests, int length) throws IOException {
        NbdScript client = client(0, "disk");
        for (int i = 0; i < requests; i++) {
            client.request(0, Nbd.CMD_READ, i, 0, length);
        }
        return client;
    }

    /** More of them than the server has workers: each would keep one from all others. */
    @Test
    void whoNeverTakesAnswersDoesNotKeepOthersFromTheirs() throws IOException {
        List<NbdScript> greedy = new ArrayList<>();
        for (int i = 0; i < 80; i++) {
            greedy.add(greedy(64, 64 << 10));
        }
        try (NbdScript good = client(0, "disk")) {
            for (int i = 0; i < 32; i++) {
                good.request(0, Nbd.CMD_READ, i, 0, 4096);
            }
            for (int i = 0; i < 32; i++) {
                assertEquals(0, good.reply().error());
                good.receive(4096);
            }
        }
        for (NbdScript each : greedy) {
            each.close();
        }
    }

    /** Ten times the memory for large requests is wanted by who sends none of their data. */
    @Test
    void whoNeverSendsItsDataDoesNotKeepOthersFromLargeRequests() throws IOException {
        List<NbdScript> silent = new ArrayList<>();
        MemoryStorage large = new MemoryStorage("large", 64 << 20);
        server.server.add(Export.of("large", large).withWritable(true));
        for (int i = 0; i < 80; i++) {
            NbdScript client = client(0, "large");
            client.request(0, Nbd.CMD_WRITE, 1, 0, 32 << 20);
            silent.add(client);
        }
        byte[] data = TestBytes.patchy(new Random(8), 9_000_001);
        try (NbdScript good = client(0, "large")) {
            for (int flags : new int[] {0, Nbd.CMD_FLAG_FUA}) {
                good.request(flags, Nbd.CMD_WRITE, 2, 4711, data.length, data);
                assertEquals(0, good.reply().error());
            }
            assertArrayEquals(data, TestBytes.readArray(large, 4711, data.length));
        }
        for (NbdScript each : silent) {
            each.close();
        }
        server.server.remove("large");
    }

    @Test
    void aServerIsClosedAlthoughClientsNeverTakeTheirAnswers() throws Exception {
        Path other = folder.resolve("other");
        Files.createDirectory(other);
        List<NbdScript> greedy = new ArrayList<>();
        TestServer second =
                new TestServer(other, ServerOptions.DEFAULT.withDrainLimit(Duration.ofMillis(50)));
        for (int i = 0; i < 10; i++) {
            NbdScript client = NbdScript.simple(i % 2 == 0 ? second.tcp : second.unix, "disk");
            for (int j = 0; j < 40; j++) {
                client.request(0, Nbd.CMD_READ, j, 0, i < 5 ? 4 << 20 : 256 << 10);
            }
            greedy.add(client);
        }
        second.server.close();
        for (NbdScript each : greedy) {
            each.close();
        }
        second.close();
    }

    // ---- stopping

    /** What was acknowledged is there, all threads end, and so do the clients. */
    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void stoppingUnderLoadKeepsWhatWasAcknowledged(boolean overTcp) throws Exception {
        Path other = folder.resolve("other");
        Files.createDirectory(other);
        TestServer second = new TestServer(other, ServerOptions.DEFAULT);
        int clients = 8;
        CountDownLatch busy = new CountDownLatch(clients * 50);
        ConcurrentLinkedQueue<Throwable> wrong = new ConcurrentLinkedQueue<>();
        long[] acknowledged = new long[clients];
        List<Thread> threads = new ArrayList<>();
        for (int i = 0; i < clients; i++) {
            int number = i;
            threads.add(
                    Thread.ofPlatform()
                            .start(
                                    () ->
                                            writeUntilTheEnd(
                                                    second,
                                                    overTcp,
                                                    number,
                                                    acknowledged,
                                                    busy,
                                                    wrong)));
        }
        busy.await();
        long start = System.nanoTime();
        second.server.close();
        long took = Duration.ofNanos(System.nanoTime() - start).toSeconds();
        for (Thread each : threads) {
            each.join();
        }
        assertTrue(took < 9, "only when nobody waited any longer: after " + took + " s");
        assertTrue(wrong.isEmpty(), wrong.toString());
        for (int i = 0; i < clients; i++) {
            byte[] there = TestBytes.readArray(second.disk, i * 65_536L, 8);
            long written = ByteBuffer.wrap(there).getLong();
            assertTrue(written >= acknowledged[i], written + " after " + acknowledged[i]);
        }
        second.close();
    }

    /** Writes numbers that grow, several at a time, and notes the last one acknowledged. */
    private static void writeUntilTheEnd(
            TestServer to,
            boolean overTcp,
            int number,
            long[] acknowledged,
            CountDownLatch busy,
            ConcurrentLinkedQueue<Throwable> wrong) {
        try (NbdScript client = NbdScript.simple(overTcp ? to.tcp : to.unix, "disk")) {
            byte[] data = new byte[16_384];
            for (long round = 1; ; round++) {
                ByteBuffer.wrap(data).putLong(round);
                client.write(round, number * 65_536L, data);
                for (int i = 0; i < 8; i++) {
                    client.write(-1, number * 65_536L + 16_384, data);
                }
                for (int i = 0; i < 9; i++) {
                    Reply reply = client.reply();
                    if (reply.error() != 0) {
                        wrong.add(new AssertionError("error " + reply.error()));
                    }
                    if (reply.cookie() == round) {
                        acknowledged[number] = round;
                    }
                }
                busy.countDown();
            }
        } catch (IOException _) {
            // The server has ended.
        } catch (RuntimeException | Error e) {
            wrong.add(e);
        }
    }

    @Test
    void removingAnExportUnderLoadEndsItsClientsAlone() throws Exception {
        server.server.add(Export.of("going", server.disk).withWritable(true));
        CountDownLatch busy = new CountDownLatch(100);
        Thread going =
                Thread.ofPlatform()
                        .start(
                                () -> {
                                    try (NbdScript client = NbdScript.simple(server.tcp, "going")) {
                                        while (true) {
                                            client.readSimple(0, 4096);
                                            busy.countDown();
                                        }
                                    } catch (IOException _) {
                                        // As it should be.
                                    }
                                });
        try (NbdScript stays = client(0, "disk")) {
            busy.await();
            assertTrue(server.server.remove("going"));
            going.join();
            assertEquals(4096, stays.readSimple(0, 4096).length);
        }
    }

    @Test
    void idleConnectionsAreAThousandAndLeaveNothing() throws Exception {
        List<NbdScript> idle = new ArrayList<>();
        for (int i = 0; i < 1000; i++) {
            NbdScript client = NbdScript.connect(i % 2 == 0 ? server.tcp : server.unix);
            idle.add(client);
            if (i % 3 > 0) {
                client.greet(3);
                client.go("disk");
            }
            if (i % 3 > 1) {
                client.readSimple(i, 100);
            }
        }
        TestServer.await("not all are there", () -> server.server.connections() == 1000);
        server.assertServes();
        for (NbdScript client : idle) {
            client.close();
        }
        TestServer.await("some are left", () -> server.server.connections() == 0);
    }
}
