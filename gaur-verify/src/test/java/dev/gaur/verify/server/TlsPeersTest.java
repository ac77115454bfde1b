package dev.gaur.verify.server;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gaur.export.Export;
import dev.gaur.export.NbdServer;
import dev.gaur.export.ServerOptions;
import dev.gaur.nbd.Nbd;
import dev.gaur.net.Endpoint;
import dev.gaur.net.Net;
import dev.gaur.net.TlsCredentials;
import dev.gaur.net.Transport;
import dev.gaur.storage.memory.MemoryStorage;
import dev.gaur.testkit.NbdScript;
import dev.gaur.testkit.TestBytes;
import dev.gaur.testkit.TestCertificates;
import dev.gaur.verify.Peers;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Other programs use our server through TLS, with certificates made here, or are refused. */
class TlsPeersTest {
    private static final int SIZE = 10 << 20;
    private static final TestCertificates CA = new TestCertificates("an authority");

    @TempDir Path folder;
    private final byte[] content = TestBytes.patchy(new Random(1), SIZE);
    private final MemoryStorage disk = new MemoryStorage("disk", content);
    private NbdServer server;
    private Path good;
    private int port;

    @BeforeEach
    void serve() throws IOException {
        good = CA.folder(folder.resolve("good"), "client", CA.identity("a client"));
        CA.folder(good, "server", CA.identity("the server", "localhost", "127.0.0.1"));
        server =
                new NbdServer(
                        ServerOptions.DEFAULT.withSecurity(
                                TlsCredentials.ofServer(good, true).forServer(), true));
        server.add(Export.of("disk", disk).withWritable(true));
        server.listen(new Endpoint.Unix(folder.resolve("socket")));
        Endpoint tcp = server.listen(new Endpoint.Tcp("127.0.0.1", 0));
        port = tcp instanceof Endpoint.Tcp(String _, int it) ? it : 0;
    }

    @AfterEach
    void end() {
        server.close();
    }

    private String uri(Path certificates) {
        return "nbds://localhost:%d/disk?tls-certificates=%s".formatted(port, certificates);
    }

    private Path clientFolder(String name, TestCertificates from) throws IOException {
        Path made = from.folder(folder.resolve(name), "client", from.identity(name));
        Files.writeString(made.resolve("ca-cert.pem"), CA.authorityPem());
        return made;
    }

    @Test
    void nbdinfoSeesTheExportByBothKindsOfSocket() {
        String unix =
                "nbds+unix:///disk?socket=%s&tls-certificates=%s"
                        .formatted(folder.resolve("socket"), good);

        assertEquals("" + SIZE, Peers.run("nbdinfo", "--size", unix).ok().text());
        assertEquals("" + SIZE, Peers.run("nbdinfo", "--size", uri(good)).ok().text());
        assertTrue(Peers.run("nbdinfo", uri(good)).ok().out().contains("with TLS"));
    }

    @Test
    void nbdcopyCopiesOutAndIn() throws IOException {
        Path out = folder.resolve("out");
        Peers.run("nbdcopy", "--connections=4", "--requests=16", uri(good), out).ok();
        assertTrue(Arrays.equals(content, Files.readAllBytes(out)), "not what the disk has");

        byte[] other = TestBytes.patchy(new Random(2), SIZE);
        Files.write(out, other);
        Peers.run("nbdcopy", "--flush", out, uri(good)).ok();
        assertTrue(Arrays.equals(other, TestBytes.readArray(disk, 0, SIZE)), "not what was copied");
    }

    private Peers.Result qemuImg(Path certificates, String host, String... command) {
        String[] all = Arrays.copyOf(command, command.length + 4);
        all[command.length] = "--object";
        all[command.length + 1] = "tls-creds-x509,id=t,endpoint=client,dir=" + certificates;
        all[command.length + 2] = "--image-opts";
        all[command.length + 3] =
                "driver=nbd,host=%s,port=%d,export=disk,tls-creds=t".formatted(host, port);
        return Peers.run("qemu-img", (Object[]) all);
    }

    @Test
    void qemuUsesItAndChecksTheName() throws IOException {
        Path raw = Files.write(folder.resolve("raw"), content);
        qemuImg(good, "127.0.0.1", "info").ok();
        qemuImg(good, "localhost", "map", "--output=json").ok();
        Object[] compare = {
            "compare",
            "--object",
            "tls-creds-x509,id=t,endpoint=client,dir=" + good,
            "--image-opts",
            "driver=nbd,host=localhost,port=" + port + ",export=disk,tls-creds=t",
            "driver=raw,file.filename=" + raw
        };
        Peers.qemuImg(compare).ok();

        Peers.Result wrong = qemuImg(good, "127.0.0.2", "info").exited(1);
        assertTrue(!wrong.err().isEmpty(), wrong.toString());
    }

    /**
     * GnuTLS of some years finds none that our JDK's TLS 1.3 takes, once it is told authorities.
     */
    @Test
    void clientsWithKeysOfRsaAreLetIn() throws IOException {
        Instant now = Instant.now();
        Duration day = Duration.ofDays(1);
        Path rsa =
                CA.folder(
                        folder.resolve("rsa"),
                        "client",
                        CA.identity("RSA", "a client", now.minus(day), now.plus(day)));
        assertEquals("" + SIZE, Peers.run("nbdinfo", "--size", uri(rsa)).ok().text());
        qemuImg(rsa, "localhost", "info").ok();
    }

    @Test
    void whoHasNoCertificateOrAnothersIsRefused() throws IOException {
        Path bare = Files.createDirectories(folder.resolve("bare"));
        Files.writeString(bare.resolve("ca-cert.pem"), CA.authorityPem());
        Path strange = clientFolder("strange", new TestCertificates("another authority"));
        for (Path each : new Path[] {bare, strange}) {
            assertNotEquals(0, Peers.run("nbdinfo", "--size", uri(each)).status(), each.toString());
            qemuImg(each, "localhost", "info").exited(1);
        }
    }

    @Test
    void plainClientsAreToldThatTlsIsNeeded() {
        String plain = "nbd://localhost:%d/disk".formatted(port);
        Peers.Result info = Peers.run("nbdinfo", "--size", plain);
        assertNotEquals(0, info.status());
        Peers.Result qemu = Peers.qemuImg("info", plain).exited(1);
        assertTrue(qemu.err().contains("TLS"), qemu.err());
    }

    /** Until an option that only TLS allows is answered; what follows is the client's business. */
    @Test
    void weAgreeWithQemusServer() throws Exception {
        Path raw = Files.write(folder.resolve("raw"), new byte[1 << 20]);
        Path socket = folder.resolve("qemu");
        Path pid = folder.resolve("pid");
        Object[] serve = {
            "--fork",
            "--pid-file",
            pid,
            "--object",
            "tls-creds-x509,id=t,endpoint=server,verify-peer=on,dir=" + good,
            "--tls-creds=t",
            "-f",
            "raw",
            "-k",
            socket,
            raw
        };
        Peers.run("qemu-nbd", serve).ok();
        try (Transport plain = Net.connect(new Endpoint.Unix(socket))) {
            receive(plain, 18);
            send(plain, NbdScript.bytes(4).putInt(Nbd.FLAG_FIXED_NEWSTYLE | 2).array());
            send(plain, NbdScript.optionHeader(Nbd.OPT_STARTTLS, 0));
            assertEquals(Nbd.REP_ACK, receive(plain, 20).getInt(12));
            try (Transport secret =
                    TlsCredentials.ofClient(good, true).forClient("localhost").secure(plain)) {
                send(secret, NbdScript.optionHeader(Nbd.OPT_LIST, 0));
                ByteBuffer reply = receive(secret, 20);
                assertEquals(Nbd.REPLY_MAGIC, reply.getLong());
                assertEquals(Nbd.REP_SERVER, reply.getInt(12));
            }
        } finally { // It ends with its last client, but who chose no export is none.
            Peers.run("sh", "-c", "kill $(cat \"$0\")", pid).ok();
        }
    }

    private static void send(Transport to, byte[] bytes) throws IOException {
        try (Arena arena = Arena.ofConfined()) {
            to.send(arena.allocateFrom(JAVA_BYTE, bytes));
        }
    }

    private static ByteBuffer receive(Transport from, int count) throws IOException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment bytes = arena.allocate(count);
            from.receiveAll(bytes);
            return ByteBuffer.wrap(bytes.toArray(JAVA_BYTE));
        }
    }
}
