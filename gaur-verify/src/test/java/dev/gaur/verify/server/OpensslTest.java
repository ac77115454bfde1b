package dev.gaur.verify.server;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gaur.net.Endpoint;
import dev.gaur.net.Listener;
import dev.gaur.net.Net;
import dev.gaur.net.TlsCredentials;
import dev.gaur.net.Transport;
import dev.gaur.testkit.TestCertificates;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Our TLS and that of OpenSSL, which can be told to do what others do rarely. */
class OpensslTest {
    private static final TestCertificates CA = new TestCertificates("an authority");

    @TempDir Path folder;
    private Listener listener;
    private TlsCredentials credentials;
    private CompletableFuture<Void> echo = CompletableFuture.completedFuture(null);

    @BeforeEach
    void listen() throws IOException {
        CA.folder(folder, "server", CA.identity("server", "localhost"));
        CA.folder(folder, "client", CA.identity("client"));
        credentials = TlsCredentials.ofServer(folder, true);
        listener = Net.listen(new Endpoint.Tcp("127.0.0.1", 0));
        echo = CompletableFuture.runAsync(this::echo);
    }

    @AfterEach
    void end() {
        listener.close();
    }

    /** Sends back what the first client sends, until its goodbye. */
    private void echo() {
        try (Transport plain = listener.accept();
                Transport client = credentials.forServer().secure(plain);
                Arena arena = Arena.ofConfined()) {
            MemorySegment buffer = arena.allocate(100_000);
            for (int count = client.receive(buffer);
                    count != Transport.END;
                    count = client.receive(buffer)) {
                client.send(buffer.asSlice(0, count));
            }
        } catch (IOException e) {
            throw new AssertionError(e.getMessage(), e);
        }
    }

    private int port() {
        return listener.endpoint() instanceof Endpoint.Tcp(String _, int port) ? port : 0;
    }

    private Process client(String... more) throws IOException {
        List<String> command = new ArrayList<>(List.of("openssl", "s_client", "-quiet"));
        command.addAll(List.of("-no_ign_eof", "-connect", "127.0.0.1:" + port()));
        command.addAll(List.of("-CAfile", "ca-cert.pem", "-verify_return_error"));
        command.addAll(List.of("-cert", "client-cert.pem", "-key", "client-key.pem"));
        command.addAll(List.of(more));
        return new ProcessBuilder(command)
                .directory(folder.toFile())
                .redirectError(folder.resolve("err").toFile())
                .start();
    }

    /** Sends a line and waits until it is back, so that each is a message of its own. */
    private static void say(Process client, BufferedReader from, String line) throws IOException {
        tell(client, line);
        assertEquals(line, from.readLine());
    }

    private static void tell(Process client, String line) throws IOException {
        client.getOutputStream().write((line + "\n").getBytes(StandardCharsets.UTF_8));
        client.getOutputStream().flush();
    }

    private static BufferedReader reader(Process client) {
        return new BufferedReader(
                new InputStreamReader(client.getInputStream(), StandardCharsets.UTF_8));
    }

    private void finish(Process client) throws Exception {
        client.getOutputStream().close();
        assertTrue(client.waitFor(60, TimeUnit.SECONDS), "openssl does not end");
        echo.get(60, TimeUnit.SECONDS);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "-tls1_2",
                "-tls1_3",
                "-tls1_3 -ciphersuites TLS_CHACHA20_POLY1305_SHA256",
                "-tls1_3 -ciphersuites TLS_AES_128_GCM_SHA256",
                "-tls1_2 -cipher ECDHE-ECDSA-AES256-GCM-SHA384",
                "-tls1_3 -groups P-521",
                "-max_send_frag 600 -split_send_frag 512"
            })
    void everyVersionAndCipherThatOthersHaveWorks(String options) throws Exception {
        Process client = client(options.split(" "));
        BufferedReader from = reader(client);
        for (int i = 0; i < 20; i++) {
            say(client, from, "line " + i);
        }
        finish(client);
    }

    @ParameterizedTest
    @ValueSource(strings = {"K", "k"})
    void newKeysAreTakenAndGiven(String command) throws Exception {
        Process client = client("-tls1_3");
        BufferedReader from = reader(client);
        for (int i = 0; i < 10; i++) {
            say(client, from, "line " + i);
            tell(client, command);
            awaitKeyUpdates(i + 1); // Or it would take the next line for a part of the command.
        }
        say(client, from, "the last line");
        finish(client);
    }

    private void awaitKeyUpdates(int count) throws IOException {
        String said = "";
        long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
        while (said.split("KEYUPDATE", -1).length <= count) {
            said = Files.readString(folder.resolve("err"));
            assertTrue(System.nanoTime() < end, said);
            Thread.yield();
        }
    }

    @Test
    void agreeingAnewIsRefused() throws Exception {
        Process client = client("-tls1_2");
        say(client, reader(client), "a line");
        tell(client, "R");
        assertTrue(client.waitFor(60, TimeUnit.SECONDS), "openssl goes on");
        String why = "";
        try {
            echo.get(60, TimeUnit.SECONDS);
        } catch (ExecutionException refused) {
            why = refused.toString();
        }
        assertTrue(why.contains("anew"), why);
    }

    @ParameterizedTest
    @ValueSource(strings = {"-tls1", "-tls1_1", "-tls1_2 -cipher AES128-SHA:DES-CBC3-SHA"})
    void oldVersionsAndCiphersAreRefused(String options) throws Exception {
        Process client = client((options + " -legacy_renegotiation").split(" "));
        assertTrue(client.waitFor(60, TimeUnit.SECONDS), "openssl goes on");

        assertTrue(client.exitValue() != 0, "they agreed");
        assertTrue(echo.handle((_, failed) -> failed != null).get(60, TimeUnit.SECONDS));
    }

    /** Java's own limit of data for one key is so high that no test would reach it. */
    @Test
    void ourOwnNewKeysAreGivenInTheMiddleOfDataInBothDirections() throws Exception {
        Path limits =
                Files.writeString(
                        folder.resolve("limits"),
                        "jdk.tls.keyLimits=AES/GCM/NoPadding KeyUpdate 1000000\n");
        String java = Path.of(System.getProperty("java.home"), "bin", "java").toString();
        Process process =
                new ProcessBuilder(
                                java,
                                "--enable-native-access=ALL-UNNAMED",
                                "-Djava.security.properties=" + limits,
                                "-Djavax.net.debug=ssl:handshake",
                                "-cp",
                                System.getProperty("java.class.path"),
                                Exchange.class.getName(),
                                folder.toString())
                        .redirectErrorStream(true)
                        .redirectOutput(folder.resolve("log").toFile())
                        .start();
        assertTrue(process.waitFor(120, TimeUnit.SECONDS), "it does not end");
        String log = Files.readString(folder.resolve("log"));
        assertEquals(0, process.exitValue(), () -> log.substring(Math.max(0, log.length() - 4000)));
        int updates = log.split("Consuming KeyUpdate post-handshake message", -1).length - 1;
        assertTrue(updates > 20, updates + " new keys");
        listener.close();
    }

    /** Sends megabytes in both directions at once. */
    static final class Exchange {
        private static final int SIZE = 20_000_000;

        private Exchange() {}

        public static void main(String[] arguments) throws Exception {
            Path folder = Path.of(arguments[0]);
            ExecutorService threads =
                    Executors.newCachedThreadPool(Thread.ofPlatform().daemon().factory());
            try (Listener listener = Net.listen(new Endpoint.Tcp("127.0.0.1", 0))) {
                Future<Transport> server =
                        threads.submit(
                                () ->
                                        TlsCredentials.ofServer(folder, true)
                                                .forServer()
                                                .secure(listener.accept()));
                Transport client =
                        TlsCredentials.ofClient(folder, true)
                                .forClient("localhost")
                                .secure(Net.connect(listener.endpoint()));
                Transport other = server.get();
                byte[] there = bytes(1);
                byte[] back = bytes(2);
                Future<?> first = threads.submit(() -> send(client, there));
                Future<?> second = threads.submit(() -> send(other, back));
                Future<byte[]> read = threads.submit(() -> receive(other));
                assertArrayEquals(back, receive(client));
                assertArrayEquals(there, read.get());
                first.get();
                second.get();
            }
        }

        private static byte[] bytes(long seed) {
            byte[] bytes = new byte[SIZE];
            new Random(seed).nextBytes(bytes);
            return bytes;
        }

        private static void send(Transport to, byte[] bytes) {
            try (Arena arena = Arena.ofConfined()) {
                MemorySegment all = arena.allocateFrom(JAVA_BYTE, bytes);
                for (int at = 0; at < SIZE; at += 77_777) {
                    to.send(all.asSlice(at, Math.min(77_777, SIZE - at)));
                }
            } catch (IOException e) {
                throw new AssertionError(e);
            }
        }

        private static byte[] receive(Transport from) {
            byte[] bytes = new byte[SIZE];
            try {
                from.receiveAll(MemorySegment.ofArray(bytes));
            } catch (IOException e) {
                throw new AssertionError(e);
            }
            return bytes;
        }
    }
}
