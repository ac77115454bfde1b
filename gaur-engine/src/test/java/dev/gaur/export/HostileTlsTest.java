package dev.gaur.export;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gaur.nbd.Nbd;
import dev.gaur.net.TlsCredentials;
import dev.gaur.testkit.NbdScript;
import dev.gaur.testkit.NbdScript.OptionReply;
import dev.gaur.testkit.NbdScript.Reply;
import dev.gaur.testkit.TestBytes;
import dev.gaur.testkit.TestCertificates;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyStore;
import java.security.cert.CertificateFactory;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * What an attacker in between could do around the beginning of TLS.
 *
 * <ul>
 *   <li>CVE-2021-3716 (plain text before STARTTLS counts as sent behind it): {@code
 *       plainTextBehind...}, {@code whatWasAgreedInPlainText...}
 *   <li>CVE-2019-14842 and its like (going on without TLS): {@code nothingIsToldWithoutTls}
 * </ul>
 */
@Timeout(60)
class HostileTlsTest {
    private static final TestCertificates CA = new TestCertificates("an authority");
    private static SSLContext client;

    @TempDir Path folder;

    @BeforeAll
    static void trust() throws Exception {
        KeyStore store = KeyStore.getInstance("PKCS12");
        store.load(null, null);
        store.setCertificateEntry(
                "ca",
                CertificateFactory.getInstance("X.509")
                        .generateCertificate(
                                new ByteArrayInputStream(
                                        CA.authorityPem().getBytes(StandardCharsets.UTF_8))));
        TrustManagerFactory trust = TrustManagerFactory.getInstance("PKIX");
        trust.init(store);
        client = SSLContext.getInstance("TLS");
        client.init(null, trust.getTrustManagers(), null);
    }

    private TestServer server(boolean only) throws IOException {
        Path keys = CA.folder(folder.resolve("keys"), "server", CA.identity("x", "localhost"));
        Path sockets = Files.createDirectories(folder.resolve("sockets"));
        return new TestServer(
                sockets,
                ServerOptions.DEFAULT
                        .withDrainLimit(Duration.ofMillis(300))
                        .withSecurity(TlsCredentials.ofServer(keys, false).forServer(), only));
    }

    private static void startTls(NbdScript script) throws IOException {
        script.expectAck(Nbd.OPT_STARTTLS, new byte[0]);
        script.secure(client);
    }

    @Test
    void nothingIsToldWithoutTls() throws Exception {
        try (TestServer server = server(true)) {
            try (NbdScript script = NbdScript.greeted(server.tcp)) {
                for (int option = 2; option < 14; option++) {
                    if (option != Nbd.OPT_STARTTLS && option != Nbd.OPT_ABORT) {
                        for (byte[] data : List.of(new byte[0], NbdScript.named("disk"))) {
                            List<OptionReply> replies = script.ask(option, data);
                            assertEquals(1, replies.size());
                            assertEquals(Nbd.REP_ERR_TLS_REQD, replies.getFirst().type());
                        }
                    }
                }
                startTls(script);
                script.go("disk");
                assertEquals(100, script.readSimple(0, 100).length);
            }
            try (NbdScript script = NbdScript.greeted(server.tcp)) {
                script.option(Nbd.OPT_EXPORT_NAME, "disk".getBytes(StandardCharsets.UTF_8));
                assertThrows(IOException.class, () -> script.receive(1));
            }
            assertEquals(2, server.awaitEnded(2)); // The first left TLS without a goodbye.
        }
    }

    @Test
    void plainTextBehindTheOptionEndsTheConnection() throws Exception {
        try (TestServer server = server(false)) {
            for (int length : new int[] {1, 16, 5000}) {
                try (NbdScript script = NbdScript.greeted(server.tcp)) {
                    byte[] behind = Arrays.copyOf(NbdScript.optionHeader(Nbd.OPT_LIST, 0), length);
                    byte[] both = new byte[16 + length];
                    System.arraycopy(NbdScript.optionHeader(Nbd.OPT_STARTTLS, 0), 0, both, 0, 16);
                    System.arraycopy(behind, 0, both, 16, length);
                    script.send(both);
                    assertEquals(Nbd.REP_ACK, script.optionReply().type());
                    script.awaitEnd();
                }
            }
            assertEquals(3, server.awaitEnded(3));
        }
    }

    @Test
    void tlsBeginsOnceAndWithoutData() throws Exception {
        try (TestServer server = server(false);
                NbdScript script = NbdScript.greeted(server.tcp)) {
            int invalid = Nbd.REP_ERR_INVALID;
            assertEquals(invalid, script.ask(Nbd.OPT_STARTTLS, new byte[1]).getLast().type());
            startTls(script);
            assertEquals(invalid, script.ask(Nbd.OPT_STARTTLS, new byte[0]).getLast().type());
            script.go("disk");
        }
    }

    @Test
    void whatWasAgreedInPlainTextIsForgotten() throws Exception {
        try (TestServer server = server(false);
                NbdScript script = NbdScript.greeted(server.tcp)) {
            script.expectAck(Nbd.OPT_STRUCTURED_REPLY, new byte[0]);
            script.expectAck(
                    Nbd.OPT_SET_META_CONTEXT, NbdScript.contexts("disk", "base:allocation"));
            startTls(script);
            int set = Nbd.OPT_SET_META_CONTEXT;
            byte[] query = NbdScript.contexts("disk", "base:allocation");
            assertEquals(Nbd.REP_ERR_INVALID, script.ask(set, query).getLast().type());
            script.go("disk");
            Reply reply = script.call(0, Nbd.CMD_BLOCK_STATUS, 0, 4096).getFirst();
            assertEquals(Nbd.SIMPLE_REPLY_MAGIC, reply.magic());
            assertTrue(reply.error() != 0);
            script.readSimple(0, 4096);
        }
    }

    @Test
    void withoutCredentialsTheOptionIsRefused() throws Exception {
        try (TestServer server = new TestServer(folder, ServerOptions.DEFAULT);
                NbdScript script = NbdScript.greeted(server.tcp)) {
            OptionReply refused = script.ask(Nbd.OPT_STARTTLS, new byte[0]).getLast();
            assertEquals(Nbd.REP_ERR_POLICY, refused.type());
            script.go("disk");
        }
    }

    @Test
    void whoStopsInTheMiddleOfTlsIsCutOff() throws Exception {
        Path keys = CA.folder(folder.resolve("keys"), "server", CA.identity("x", "localhost"));
        ServerOptions quick =
                ServerOptions.DEFAULT
                        .withHandshakeLimit(Duration.ofSeconds(1))
                        .withSecurity(TlsCredentials.ofServer(keys, false).forServer(), true);
        try (TestServer server = new TestServer(folder, quick)) {
            try (NbdScript script = NbdScript.greeted(server.tcp)) {
                script.option(Nbd.OPT_STARTTLS, new byte[0]);
                script.send(new byte[] {22, 3, 1, 2, 0, 1});
                script.awaitEnd();
            }
            assertEquals(1, server.awaitEnded(1));
        }
    }

    @Test
    void largeRequestsGoThroughWholeInBothDirections() throws Exception {
        try (TestServer server = server(true);
                NbdScript script = NbdScript.greeted(server.tcp)) {
            startTls(script);
            script.go("disk");
            byte[] data = TestBytes.patchy(new Random(3), 3_333_333);
            script.write(1, 7, data);
            assertEquals(0, script.reply().error());
            assertTrue(Arrays.equals(data, script.readSimple(7, data.length)));
        }
    }

    @Test
    void aServerIsClosedWithTlsClientsOpen() throws Exception {
        TestServer server = server(true);
        NbdScript idle = NbdScript.greeted(server.tcp);
        startTls(idle);
        NbdScript busy = NbdScript.greeted(server.tcp);
        startTls(busy);
        busy.go("disk");
        for (int i = 0; i < 64; i++) {
            busy.request(0, Nbd.CMD_READ, i, 0, 1 << 20);
        }
        server.server.close();
        idle.close();
        busy.close();
        server.close();
    }
}
