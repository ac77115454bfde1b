package dev.gaur.storage.nbd;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gaur.block.BlockException;
import dev.gaur.block.Durability;
import dev.gaur.block.StorageNode;
import dev.gaur.block.ZeroMode;
import dev.gaur.export.Export;
import dev.gaur.export.NbdServer;
import dev.gaur.export.ServerOptions;
import dev.gaur.nbd.Nbd;
import dev.gaur.net.Endpoint;
import dev.gaur.storage.StorageOptions;
import dev.gaur.storage.memory.MemoryStorage;
import dev.gaur.testkit.ScriptedNbd;
import dev.gaur.testkit.ScriptedNbd.Peer;
import dev.gaur.testkit.ScriptedNbd.Request;
import dev.gaur.testkit.TestBytes;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** How requests share connections, and what becomes of them when one breaks. */
class NbdClientTest {
    private static final int SIZE = 1 << 20;
    private static final ClientOptions ONE = ClientOptions.DEFAULT.withConnections(1);
    private static final ClientOptions PATIENT = ONE.withReconnectDelay(Duration.ofMinutes(5));

    @TempDir Path folder = Path.of("");

    private ScriptedNbd server(ScriptedNbd.Script script) throws IOException {
        return ScriptedNbd.start(folder.resolve("socket"), script);
    }

    private StorageNode open(ClientOptions options, boolean writable) {
        Endpoint socket = new Endpoint.Unix(folder.resolve("socket"));
        StorageOptions how = writable ? StorageOptions.WRITE : StorageOptions.READ;
        return new NbdDriver(options).open(new NbdAddress(socket, "", false), how);
    }

    private static byte[] content(long offset, long length) {
        byte[] bytes = new byte[(int) length];
        for (int i = 0; i < length; i++) {
            bytes[i] = (byte) ((offset + i) / 512);
        }
        return bytes;
    }

    private static void answer(Peer peer, Request request) throws IOException {
        peer.simple(
                request,
                0,
                request.type() == Nbd.CMD_READ
                        ? content(request.offset(), request.length())
                        : new byte[0]);
    }

    private static void answerAll(Peer peer) throws IOException {
        while (true) {
            Request request = peer.request();
            if (request.type() == Nbd.CMD_DISC) {
                return;
            }
            answer(peer, request);
        }
    }

    private static <T> List<Future<T>> together(int count, Callable<T> work) throws Exception {
        try (ExecutorService threads = Executors.newCachedThreadPool()) {
            List<Callable<T>> all = new ArrayList<>();
            for (int i = 0; i < count; i++) {
                all.add(work);
            }
            return threads.invokeAll(all);
        }
    }

    /** Work of others once the server has the first one's request: then the connection is busy. */
    private static <T> List<Future<T>> oneAndOthers(
            CountDownLatch first, int others, Callable<T> work) throws Exception {
        try (ExecutorService threads = Executors.newCachedThreadPool()) {
            List<Future<T>> all = new ArrayList<>();
            all.add(threads.submit(work));
            await(first);
            for (int i = 0; i < others; i++) {
                all.add(threads.submit(work));
            }
            return all; // Closing waits for them.
        }
    }

    // ---- sharing

    @Test
    void manyRequestsAreOnTheWayAtOnceAndMayBeAnsweredInAnyOrder() throws Exception {
        int count = 20;
        ScriptedNbd.Script script =
                peer -> {
                    peer.agree(SIZE, 0, 0);
                    for (int round = 0; round < 30; round++) {
                        List<Request> requests = new ArrayList<>();
                        for (int i = 0; i < count; i++) {
                            requests.add(peer.request()); // Nobody is answered before all ask.
                        }
                        for (Request each : requests.reversed()) {
                            answer(peer, each);
                        }
                    }
                    peer.awaitEnd();
                };
        AtomicInteger number = new AtomicInteger();
        try (ScriptedNbd server = server(script);
                StorageNode disk = open(ONE, false)) {
            Callable<Integer> reader =
                    () -> {
                        int offset = 512 * number.getAndIncrement();
                        for (int round = 0; round < 30; round++) {
                            byte[] read = TestBytes.read(disk, offset, 700);
                            assertArrayEquals(content(offset, 700), read);
                        }
                        return 0;
                    };
            for (Future<Integer> each : together(count, reader)) {
                assertEquals(0, each.get());
            }
            assertEquals(server.endpoint(), new Endpoint.Unix(folder.resolve("socket")));
        }
    }

    @Test
    void oneErrorAmongManyRequestsIsThrownByThatOne() throws Exception {
        int count = 16;
        ScriptedNbd.Script script =
                peer -> {
                    peer.agree(SIZE, 0, 0);
                    List<Request> requests = new ArrayList<>();
                    for (int i = 0; i < count; i++) {
                        requests.add(peer.request());
                    }
                    for (Request each : requests) {
                        if (each.offset() == 512 * 5) {
                            peer.simple(each, 5, new byte[0]);
                        } else {
                            answer(peer, each);
                        }
                    }
                    peer.awaitEnd();
                };
        AtomicInteger number = new AtomicInteger();
        try (ScriptedNbd server = server(script);
                StorageNode disk = open(ONE, false)) {
            int failed = 0;
            List<Future<byte[]>> reads =
                    together(
                            count,
                            () -> TestBytes.read(disk, 512L * number.getAndIncrement(), 512));
            for (Future<byte[]> each : reads) {
                try {
                    assertEquals(512, each.get().length);
                } catch (ExecutionException failure) {
                    var cause = assertInstanceOf(BlockException.Media.class, failure.getCause());
                    assertEquals(512 * 5, cause.offset(), server.endpoint().toString());
                    failed++;
                }
            }
            assertEquals(1, failed);
        }
    }

    @Test
    void aBusyConnectionGetsHelpIfTheServerAllowsIt() throws Exception {
        CountDownLatch one = new CountDownLatch(1);
        CountDownLatch both = new CountDownLatch(2);
        ScriptedNbd.Script script =
                peer -> {
                    peer.agree(SIZE, Nbd.CAN_MULTI_CONN, 0);
                    Request request = peer.request();
                    one.countDown();
                    both.countDown();
                    await(both); // Only if there is another connection with a request.
                    answer(peer, request);
                    answerAll(peer);
                };
        try (ScriptedNbd server = server(script);
                StorageNode disk = open(ClientOptions.DEFAULT.withConnections(2), false)) {
            for (Future<byte[]> each : oneAndOthers(one, 1, () -> TestBytes.read(disk, 0, 512))) {
                assertEquals(512, each.get().length, server.endpoint().toString());
            }
        }
    }

    private static void await(CountDownLatch latch) {
        try {
            latch.await();
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    @Test
    void aServerThatTakesNoSecondConnectionIsUsedWithOne() throws Exception {
        AtomicInteger connections = new AtomicInteger();
        CountDownLatch one = new CountDownLatch(1);
        CountDownLatch refused = new CountDownLatch(1);
        ScriptedNbd.Script script =
                peer -> {
                    if (connections.getAndIncrement() > 0) {
                        refused.countDown();
                        return;
                    }
                    peer.agree(SIZE, Nbd.CAN_MULTI_CONN, 0);
                    Request first = peer.request();
                    one.countDown();
                    await(refused);
                    answer(peer, first);
                    answerAll(peer);
                };
        try (ScriptedNbd server = server(script);
                StorageNode disk = open(ClientOptions.DEFAULT, false)) {
            for (Future<byte[]> each : oneAndOthers(one, 3, () -> TestBytes.read(disk, 0, 512))) {
                assertEquals(512, each.get().length, server.endpoint().toString());
            }
        }
        assertEquals(2, connections.get());
    }

    // ---- what the server can do

    @Test
    void withoutZeroingZerosAreWrittenAndWithoutDiscardNothingHappens() throws Exception {
        List<Integer> types = new ArrayList<>();
        CountDownLatch left = new CountDownLatch(1);
        ScriptedNbd.Script script =
                peer -> {
                    peer.agree(SIZE, Nbd.SEND_FLUSH, 0);
                    while (true) {
                        Request request = peer.request();
                        types.add(request.type());
                        if (request.type() == Nbd.CMD_DISC) {
                            left.countDown();
                            return;
                        }
                        answer(peer, request);
                    }
                };
        try (ScriptedNbd server = server(script)) {
            try (StorageNode disk = open(ONE, true)) {
                disk.zero(100, 5000, ZeroMode.UNMAP, Durability.STABLE);
                disk.discard(0, SIZE);
                assertThrows(
                        BlockException.Unsupported.class,
                        () -> disk.zero(0, 512, ZeroMode.UNMAP_FAST, Durability.CACHED));
            }
            assertTrue(server.endpoint() instanceof Endpoint.Unix);
            assertTrue(left.await(60, TimeUnit.SECONDS), "the server was not told of the end");
        }
        assertEquals(List.of(Nbd.CMD_WRITE, Nbd.CMD_FLUSH, Nbd.CMD_DISC), types);
    }

    @Test
    void stableWritesAskForItAndFlagsAreThoseOfTheMode() throws Exception {
        List<Integer> flags = new ArrayList<>();
        int can = Nbd.SEND_FLUSH | Nbd.SEND_FUA | Nbd.SEND_WRITE_ZEROES | Nbd.SEND_FAST_ZERO;
        ScriptedNbd.Script script =
                peer -> {
                    peer.agree(SIZE, can, 0);
                    while (true) {
                        Request request = peer.request();
                        if (request.type() == Nbd.CMD_DISC) {
                            return;
                        }
                        flags.add(request.flags());
                        boolean fast = (request.flags() & Nbd.CMD_FLAG_FAST_ZERO) != 0;
                        peer.simple(request, fast ? 95 : 0, new byte[0]);
                    }
                };
        MemorySegment bytes = MemorySegment.ofArray(new byte[512]);
        try (ScriptedNbd server = server(script);
                StorageNode disk = open(ONE, true)) {
            disk.write(0, bytes, Durability.CACHED);
            disk.write(0, bytes, Durability.STABLE);
            disk.zero(0, 512, ZeroMode.UNMAP, Durability.CACHED);
            disk.zero(0, 512, ZeroMode.KEEP, Durability.STABLE);
            assertThrows(
                    BlockException.Unsupported.class,
                    () -> disk.zero(0, 512, ZeroMode.KEEP_FAST, Durability.CACHED));
            assertTrue(server.endpoint() instanceof Endpoint.Unix);
        }
        int noHole = Nbd.CMD_FLAG_NO_HOLE;
        List<Integer> expected =
                List.of(
                        0,
                        Nbd.CMD_FLAG_FUA,
                        0,
                        Nbd.CMD_FLAG_FUA | noHole,
                        noHole | Nbd.CMD_FLAG_FAST_ZERO);
        assertEquals(expected, flags);
    }

    @Test
    void aWritePastTheEndIsRefusedAndTheSizeStays() throws Exception {
        try (ScriptedNbd server =
                        server(
                                peer -> {
                                    peer.agree(SIZE, 0, 0);
                                    peer.awaitEnd();
                                });
                StorageNode disk = open(ONE, true)) {
            MemorySegment bytes = MemorySegment.ofArray(new byte[512]);
            BlockException.Media full =
                    assertThrows(
                            BlockException.Media.class,
                            () -> disk.write(SIZE - 1, bytes, Durability.CACHED));
            assertEquals(28, full.errno());
            disk.resize(SIZE);
            BlockException.Media fixed =
                    assertThrows(BlockException.Media.class, () -> disk.resize(SIZE - 512));
            assertEquals("Cannot resize NBD nodes", fixed.found());
            assertEquals(SIZE, disk.length(), server.endpoint().toString());
        }
    }

    @Test
    void anExportThatIsReadOnlyIsNotOpenedForWriting() throws Exception {
        try (ScriptedNbd server = server(peer -> peer.agree(SIZE, Nbd.READ_ONLY, 0))) {
            BlockException.Media denied =
                    assertThrows(BlockException.Media.class, () -> open(ONE, true));
            assertEquals(13, denied.errno(), server.endpoint().toString());
        }
    }

    @Test
    void aServerWithoutGoIsAskedTheOldWay() throws Exception {
        ScriptedNbd.Script script =
                peer -> {
                    peer.greet();
                    for (int option = peer.option();
                            option != Nbd.OPT_EXPORT_NAME;
                            option = peer.option()) {
                        peer.answer(option, Nbd.REP_ERR_UNSUP, b -> {});
                    }
                    peer.send(
                            b -> {
                                b.writeLong(SIZE);
                                b.writeShort(Nbd.HAS_FLAGS);
                            });
                    answerAll(peer);
                };
        try (ScriptedNbd server = server(script);
                StorageNode disk = open(ONE, false)) {
            assertEquals(SIZE, disk.length(), server.endpoint().toString());
            assertArrayEquals(content(1000, 3000), TestBytes.read(disk, 1000, 3000));
        }
    }

    @Test
    void aListHasWhatTheServerTells() throws Exception {
        Endpoint socket = new Endpoint.Unix(folder.resolve("socket"));
        try (NbdServer server = new NbdServer(ServerOptions.DEFAULT)) {
            server.add(
                    Export.of("a", new MemoryStorage("a", 4096))
                            .withDescription("first")
                            .withWritable(true));
            server.add(Export.of("", new MemoryStorage("b", 8192)));
            server.listen(socket);
            List<ExportInfo> all =
                    NbdClient.list(new NbdAddress(socket, "", false), ClientOptions.DEFAULT);
            assertEquals(List.of("", "a"), all.stream().map(ExportInfo::name).sorted().toList());
            ExportInfo first =
                    all.stream().filter(each -> each.name().equals("a")).findFirst().orElseThrow();
            assertEquals("first", first.description());
            assertEquals(4096, first.size());
            assertEquals(List.of(Nbd.BASE_ALLOCATION), first.contexts());
            assertTrue(first.statesBlocks() && !first.isReadOnly());
            assertEquals(Nbd.PAYLOAD_MAX, first.maximumBlock());
        }
    }

    // ---- broken connections

    /** Leaves its first clients, each after a request; serves the others. */
    private static ScriptedNbd.Script leaving(int clients, long size) {
        AtomicInteger count = new AtomicInteger();
        return peer -> {
            int number = count.getAndIncrement();
            peer.agree(number == 0 ? SIZE : size, Nbd.SEND_FLUSH, 0);
            if (number < clients) {
                peer.request();
                return;
            }
            answerAll(peer);
        };
    }

    @Test
    void withoutADelayABrokenConnectionFailsAllThatFollows() throws Exception {
        try (ScriptedNbd server = server(leaving(1, SIZE));
                StorageNode disk = open(ONE, true)) {
            for (int i = 0; i < 3; i++) {
                BlockException.Media failure =
                        assertThrows(
                                BlockException.Media.class, () -> TestBytes.read(disk, 0, 512));
                assertEquals(5, failure.errno(), server.endpoint().toString());
            }
            assertThrows(BlockException.Media.class, disk::flush);
        }
    }

    @Test
    void withADelayRequestsAreSentAgain() throws Exception {
        try (ScriptedNbd server = server(leaving(3, SIZE));
                StorageNode disk = open(PATIENT, true)) {
            assertArrayEquals(content(512, 900), TestBytes.read(disk, 512, 900));
            disk.write(0, MemorySegment.ofArray(new byte[100_000]), Durability.CACHED);
            disk.flush();
            assertEquals(SIZE, disk.length(), server.endpoint().toString());
        }
    }

    @Test
    void withADelayAllRequestsOnABrokenConnectionAreSentAgain() throws Exception {
        int count = 10;
        AtomicInteger connections = new AtomicInteger();
        ScriptedNbd.Script script =
                peer -> {
                    peer.agree(SIZE, 0, 0);
                    if (connections.getAndIncrement() == 0) {
                        for (int i = 0; i < count; i++) {
                            peer.request();
                        }
                        return;
                    }
                    answerAll(peer);
                };
        try (ScriptedNbd server = server(script);
                StorageNode disk = open(PATIENT, false)) {
            for (Future<byte[]> each : together(count, () -> TestBytes.read(disk, 7, 9000))) {
                assertArrayEquals(content(7, 9000), each.get(), server.endpoint().toString());
            }
        }
        assertEquals(2, connections.get());
    }

    @Test
    void anotherDiskUnderTheSameNameIsNotTaken() throws Exception {
        try (ScriptedNbd server = server(leaving(1, 2 * SIZE));
                StorageNode disk = open(PATIENT, false)) {
            BlockException.Media failure =
                    assertThrows(BlockException.Media.class, () -> TestBytes.read(disk, 0, 512));
            assertEquals(
                    "the export is not the same any more",
                    failure.found(),
                    server.endpoint().toString());
        }
    }

    @Test
    void aServerThatIsGoneForAWhileIsWaitedFor() throws Exception {
        StorageNode disk;
        try (ScriptedNbd first = server(leaving(0, SIZE))) {
            disk = open(PATIENT, false);
            assertEquals(512, TestBytes.read(disk, 0, 512).length, first.endpoint().toString());
        }
        try (ExecutorService threads = Executors.newCachedThreadPool();
                disk) {
            Future<byte[]> read = threads.submit(() -> TestBytes.read(disk, 512, 512));
            try (ScriptedNbd second = server(leaving(0, SIZE))) {
                assertArrayEquals(content(512, 512), read.get(), second.endpoint().toString());
            }
        }
    }

    @Test
    void closingEndsARequestThatWaitsForTheServerToComeBack() throws Exception {
        StorageNode disk;
        try (ScriptedNbd server = server(leaving(0, SIZE))) {
            disk = open(PATIENT, false);
            assertEquals(512, TestBytes.read(disk, 0, 512).length, server.endpoint().toString());
        }
        try (ExecutorService threads = Executors.newCachedThreadPool()) {
            Future<byte[]> read = threads.submit(() -> TestBytes.read(disk, 512, 512));
            disk.close();
            ExecutionException failure = assertThrows(ExecutionException.class, read::get);
            assertTrue(failure.getCause() instanceof BlockException.Denied, failure.toString());
        }
    }

    @Test
    void closingEndsARequestThatTheServerDoesNotAnswer() throws Exception {
        CountDownLatch asked = new CountDownLatch(1);
        ScriptedNbd.Script script =
                peer -> {
                    peer.agree(SIZE, 0, 0);
                    peer.request();
                    asked.countDown();
                    peer.awaitEnd();
                };
        try (ScriptedNbd server = server(script);
                ExecutorService threads = Executors.newCachedThreadPool()) {
            StorageNode disk = open(PATIENT, false);
            Future<byte[]> read = threads.submit(() -> TestBytes.read(disk, 0, 512));
            asked.await();
            disk.close();
            ExecutionException failure = assertThrows(ExecutionException.class, read::get);
            assertTrue(
                    failure.getCause() instanceof BlockException.Denied,
                    server.endpoint().toString());
        }
    }

    @Test
    void anOpenTimeoutWaitsForTheServerToStart() throws Exception {
        ClientOptions options = ONE.withOpenTimeout(Duration.ofMinutes(5));
        try (ExecutorService threads = Executors.newCachedThreadPool()) {
            Future<StorageNode> opening = threads.submit(() -> open(options, false));
            try (ScriptedNbd server = server(leaving(0, SIZE));
                    StorageNode disk = opening.get()) {
                assertEquals(SIZE, disk.length(), server.endpoint().toString());
            }
        }
    }
}
