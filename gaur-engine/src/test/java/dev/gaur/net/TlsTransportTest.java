package dev.gaur.net;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gaur.testkit.TestCertificates;
import dev.gaur.testkit.TestCertificates.Identity;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** TLS over a real socket: what gets through, who is let in, and how it ends. */
class TlsTransportTest {
    private static final TestCertificates CA = new TestCertificates("the authority");
    private static final Identity SERVER = CA.identity("the server", "localhost", "127.0.0.1");
    private static final Identity CLIENT = CA.identity("a client");

    @TempDir Path folder;
    private final ExecutorService threads = Executors.newCachedThreadPool();
    private Listener listener;
    private Path serverFolder;
    private Path clientFolder;

    @BeforeEach
    void listen() throws IOException {
        listener = Net.listen(new Endpoint.Unix(folder.resolve("socket")));
        serverFolder = CA.folder(folder.resolve("server"), "server", SERVER);
        clientFolder = CA.folder(folder.resolve("client"), "client", CLIENT);
    }

    @AfterEach
    void end() {
        listener.close();
        threads.close();
    }

    /** Both ends of a connection. */
    private record Pair(Transport server, Transport client) implements AutoCloseable {
        @Override
        public void close() {
            server.shutdown(); // Or the goodbye could wait for somebody to read.
            client.shutdown();
            server.close();
            client.close();
        }
    }

    private Pair plain() throws IOException {
        Transport client = Net.connect(listener.endpoint());
        return new Pair(listener.accept(), client);
    }

    private Pair secured(Security serverSide, Security clientSide) throws Exception {
        Pair plain = plain();
        Future<Transport> server = threads.submit(() -> serverSide.secure(plain.server()));
        Transport client = clientSide.secure(plain.client());
        return new Pair(server.get(), client);
    }

    private Pair secured() throws Exception {
        return secured(atServer(), atClient("localhost"));
    }

    /** Fails at both ends; returns what the server, or else the client, says. */
    private String refusal(Security serverSide, Security clientSide) throws Exception {
        Pair plain = plain();
        Callable<Transport> accept =
                () -> {
                    try {
                        return serverSide.secure(plain.server());
                    } catch (IOException e) {
                        plain.server().close();
                        throw e;
                    }
                };
        Future<Transport> server = threads.submit(accept);
        IOException client =
                assertThrows(
                        IOException.class,
                        () -> {
                            try {
                                Transport made = clientSide.secure(plain.client());
                                read(made, 1); // With TLS 1.3 the server's verdict comes later.
                            } finally {
                                plain.client().close();
                            }
                        });
        Throwable refused = assertThrows(ExecutionException.class, server::get).getCause();
        return refused + " / " + client.getMessage();
    }

    private static void write(Transport to, byte[] bytes) throws IOException {
        try (Arena arena = Arena.ofConfined()) {
            to.send(arena.allocateFrom(JAVA_BYTE, bytes));
        }
    }

    private static byte[] read(Transport from, int count) throws IOException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment bytes = arena.allocate(count);
            from.receiveAll(bytes);
            return bytes.toArray(JAVA_BYTE);
        }
    }

    private static int readOne(Transport from) throws IOException {
        try (Arena arena = Arena.ofConfined()) {
            return from.receive(arena.allocate(100));
        }
    }

    private static byte[] random(long seed, int count) {
        byte[] bytes = new byte[count];
        new Random(seed).nextBytes(bytes);
        return bytes;
    }

    // ---- what gets through

    @ParameterizedTest
    @ValueSource(ints = {1, 100, 16_383, 16_384, 16_385, 100_000, 3_000_000})
    void bytesArriveAsTheyWereSentInBothDirectionsAtOnce(int count) throws Exception {
        try (Pair pair = secured()) {
            byte[] there = random(1, count);
            byte[] back = random(2, count);
            Future<?> sender = threads.submit(() -> sendAll(pair.client(), there));
            Future<?> other = threads.submit(() -> sendAll(pair.server(), back));
            Future<byte[]> read = threads.submit(() -> read(pair.server(), count));

            assertArrayEquals(back, read(pair.client(), count));
            assertArrayEquals(there, read.get());
            sender.get();
            other.get();
        }
    }

    private static Void sendAll(Transport to, byte[] bytes) throws IOException {
        write(to, bytes);
        return null;
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 7, 4096, 16_384, 20_000, 70_000})
    void targetsOfAnySizeAreFilled(int piece) throws Exception {
        try (Pair pair = secured();
                Arena arena = Arena.ofConfined()) {
            byte[] sent = random(3, 150_000);
            Future<?> sender = threads.submit(() -> sendAll(pair.client(), sent));
            byte[] got = new byte[sent.length];
            for (int at = 0; at < got.length; ) {
                MemorySegment target = arena.allocate(piece);
                int count = pair.server().receive(target);
                assertTrue(count >= 1 && count <= piece, "got " + count);
                MemorySegment.copy(target, JAVA_BYTE, 0, got, at, count);
                at += count;
            }
            assertArrayEquals(sent, got);
            sender.get();
        }
    }

    /** A server that wants clients to have a certificate. */
    private Security atServer() throws IOException {
        return TlsCredentials.ofServer(serverFolder, true).forServer();
    }

    private Security atClient(String host) throws IOException {
        return TlsCredentials.ofClient(clientFolder, true).forClient(host);
    }

    @Test
    void memoryOfAnyKindIsTaken() throws Exception {
        try (Pair pair = secured();
                Arena shared = Arena.ofShared()) {
            byte[] sent = random(4, 40_000);
            Future<?> sender =
                    threads.submit(
                            () -> {
                                pair.client().send(shared.allocateFrom(JAVA_BYTE, sent));
                                pair.client().send(MemorySegment.ofArray(sent));
                                return null;
                            });
            byte[] got = new byte[sent.length];
            pair.server().receiveAll(MemorySegment.ofArray(got));
            assertArrayEquals(sent, got);
            MemorySegment target = shared.allocate(sent.length);
            pair.server().receiveAll(target);
            assertArrayEquals(sent, target.toArray(JAVA_BYTE));
            sender.get();
        }
    }

    @Test
    void nothingOfItCanBeReadOnTheWire() throws Exception {
        byte[] secret =
                "a secret that should not be seen by anybody".getBytes(StandardCharsets.UTF_8);
        Pair plain = plain();
        Watched watched = new Watched(plain.client());
        Security server = atServer();
        Future<Transport> accepted = threads.submit(() -> server.secure(plain.server()));
        Transport client = atClient("").secure(watched);
        try (Pair _ = new Pair(accepted.get(), client)) {
            write(client, secret);
            assertArrayEquals(secret, read(accepted.get(), secret.length));
            assertEquals(-1, watched.sent().indexOf("secret"));
        }
    }

    // ---- how it ends

    @Test
    void aGoodbyeIsTheEnd() throws Exception {
        try (Pair pair = secured()) {
            write(pair.client(), new byte[5]);
            pair.client().close();
            read(pair.server(), 5);

            assertEquals(Transport.END, readOne(pair.server()));
            assertEquals(Transport.END, readOne(pair.server()));
        }
    }

    @Test
    void aCutWithoutGoodbyeIsNoEnd() throws Exception {
        try (Pair pair = secured()) {
            write(pair.client(), new byte[5]);
            pair.client().shutdown();
            read(pair.server(), 5);

            IOException cut = assertThrows(IOException.class, () -> readOne(pair.server()));
            assertTrue(cut.toString().contains("cut"), cut.getMessage());
        }
    }

    @Test
    void whoEndsReceivingGetsTheEnd() throws Exception {
        try (Pair pair = secured()) {
            Future<Integer> waits = threads.submit(() -> readOne(pair.server()));
            pair.server().shutdownInput();

            assertEquals(Transport.END, waits.get());
            write(pair.server(), new byte[9]);
            assertEquals(9, read(pair.client(), 9).length);
        }
    }

    @Test
    void shutdownWakesWhoReceives() throws Exception {
        try (Pair pair = secured()) {
            Future<Integer> waits = threads.submit(() -> readOne(pair.client()));
            pair.client().shutdown();

            assertEquals(Transport.END, waits.get());
        }
    }

    @Test
    void aChangedByteIsNoticed() throws Exception {
        Pair plain = plain();
        Watched watched = new Watched(plain.client());
        Security server = atServer();
        Future<Transport> accepted = threads.submit(() -> server.secure(plain.server()));
        Transport client = atClient("").secure(watched);
        try (Pair pair = new Pair(accepted.get(), client)) {
            watched.damage();
            write(client, new byte[100]);
            assertThrows(IOException.class, () -> readOne(pair.server()));
        }
    }

    @Test
    void closingTwiceDoesNothing() throws Exception {
        Pair pair = secured();
        pair.client().close();
        pair.client().close();
        pair.close();
    }

    // ---- who is let in

    @Test
    void aClientWithoutACertificateIsRefused() throws Exception {
        Path bare = Files.createDirectories(folder.resolve("bare"));
        Files.copy(clientFolder.resolve("ca-cert.pem"), bare.resolve("ca-cert.pem"));
        Security client = TlsCredentials.ofClient(bare, true).forClient("localhost");

        String why = refusal(atServer(), client);
        assertTrue(why.contains("TLS: "), why);

        try (Pair pair =
                secured(TlsCredentials.ofServer(serverFolder, false).forServer(), client)) {
            write(pair.client(), new byte[3]);
            assertEquals(3, read(pair.server(), 3).length);
        }
    }

    @Test
    void aClientOfAnotherAuthorityIsRefused() throws Exception {
        TestCertificates other = new TestCertificates("somebody else");
        Path strange = other.folder(folder.resolve("strange"), "client", other.identity("x"));
        Files.writeString(strange.resolve("ca-cert.pem"), CA.authorityPem());

        String why =
                refusal(atServer(), TlsCredentials.ofClient(strange, true).forClient("localhost"));
        assertTrue(why.contains("TLS: "), why);
    }

    @Test
    void anAuthorityOfTheSameNameIsNotTheSame() throws Exception {
        TestCertificates twin = new TestCertificates("the authority");
        Path strange = twin.folder(folder.resolve("twin"), "client", twin.identity("a client"));
        Files.writeString(strange.resolve("ca-cert.pem"), CA.authorityPem());

        refusal(atServer(), TlsCredentials.ofClient(strange, true).forClient("localhost"));
    }

    @Test
    void aServerOfAnotherAuthorityIsRefused() throws Exception {
        TestCertificates other = new TestCertificates("somebody else");
        Path strange =
                other.folder(folder.resolve("strange"), "server", other.identity("x", "localhost"));

        String why =
                refusal(TlsCredentials.ofServer(strange, false).forServer(), atClient("localhost"));
        assertTrue(why.contains("certificate"), why);
    }

    @Test
    void aClientThatDoesNotVerifyTakesAnyServer() throws Exception {
        TestCertificates other = new TestCertificates("somebody else");
        Path strange =
                other.folder(folder.resolve("strange"), "server", other.identity("x", "elsewhere"));

        secured(
                        TlsCredentials.ofServer(strange, false).forServer(),
                        TlsCredentials.ofClient(clientFolder, false).forClient("localhost"))
                .close();
    }

    @ParameterizedTest
    @ValueSource(strings = {"example.org", "localhost.example.org", "127.0.0.2", "::1"})
    void aServerOfAnotherNameIsRefused(String host) throws Exception {
        String why = refusal(atServer(), atClient(host));
        assertTrue(why.contains(host) || why.contains("No subject alternative"), why);
    }

    @ParameterizedTest
    @ValueSource(strings = {"localhost", "LOCALHOST", "127.0.0.1", ""})
    void aServerOfTheRightNameIsTaken(String host) throws Exception {
        secured(atServer(), atClient(host)).close();
    }

    @ParameterizedTest
    @ValueSource(ints = {-2, 2})
    void certificatesAreValidForTheirTimeOnly(int days) throws Exception {
        Instant from = Instant.now().plus(Duration.ofDays(days)).minus(Duration.ofDays(1));
        Instant until = from.plus(Duration.ofDays(2)).minusSeconds(days < 0 ? 3600 : 0);
        Identity late = CA.identity("EC", "late", from, until, "localhost");
        TlsCredentials credentials =
                TlsCredentials.ofServer(CA.folder(folder.resolve("late"), "server", late), false);

        String why = refusal(credentials.forServer(), atClient("localhost"));
        assertTrue(why.contains("Not") || why.contains("certificate"), why);
        IOException told = assertThrows(IOException.class, credentials::checkDates);
        assertTrue(told.toString().contains("CN=late is valid from"), told.getMessage());
    }

    @Test
    void aRevokedCertificateIsRefusedAndOthersAreNot() throws Exception {
        Files.writeString(serverFolder.resolve("ca-crl.pem"), CA.revokedPem(CLIENT));
        Security server = atServer();
        Path good = CA.folder(folder.resolve("good"), "client", CA.identity("a good one"));

        String why = refusal(server, atClient(""));
        assertTrue(why.contains("revoked"), why);
        secured(server, TlsCredentials.ofClient(good, true).forClient("")).close();
    }

    @Test
    void plainTextIsRefused() throws Exception {
        Pair plain = plain();
        Security server = atServer();
        write(plain.client(), "IHAVEOPT and more that is no TLS".getBytes(StandardCharsets.UTF_8));

        IOException refused = assertThrows(IOException.class, () -> server.secure(plain.server()));
        assertTrue(refused.toString().contains(": TLS: "), refused.getMessage());
        plain.close();
    }

    @Test
    void whoLeavesBeforeTheEndOfTheHandshakeIsAnError() throws Exception {
        Pair plain = plain();
        Security server = atServer();
        plain.client().close();

        assertThrows(IOException.class, () -> server.secure(plain.server()));
        plain.close();
    }
}
