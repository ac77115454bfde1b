package dev.gaur.verify.nbdclient;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gaur.DiskImage;
import dev.gaur.Gaur;
import dev.gaur.OpenOptions;
import dev.gaur.block.BlockException;
import dev.gaur.cli.Cli;
import dev.gaur.export.Export;
import dev.gaur.export.NbdServer;
import dev.gaur.export.ServerOptions;
import dev.gaur.net.Endpoint;
import dev.gaur.net.TlsCredentials;
import dev.gaur.storage.memory.MemoryStorage;
import dev.gaur.testkit.TestBytes;
import dev.gaur.testkit.TestCertificates;
import dev.gaur.verify.Peers;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Commands use servers through TLS: qemu-nbd on a Unix socket, ours on TCP. */
class TlsTest {
    private static final int SIZE = 4 << 20;
    private static final TestCertificates CA = new TestCertificates("an authority");

    @TempDir Path folder = Path.of("");
    private final byte[] content = TestBytes.patchy(new Random(5), SIZE);
    private final MemoryStorage disk = new MemoryStorage("disk", content);
    private NbdServer ours;
    private ForeignServer qemu;
    private Path good;
    private Path other;
    private String uri;
    private String onTcp;
    private String onUnix;

    @BeforeEach
    void serve() throws IOException {
        good = certificates(CA, "good");
        other = certificates(new TestCertificates("another authority"), "other");
        Path raw = Files.write(folder.resolve("raw"), content);
        ours =
                new NbdServer(
                        ServerOptions.DEFAULT.withSecurity(
                                TlsCredentials.ofServer(good, true).forServer(), true));
        ours.add(Export.of("disk", disk).withWritable(true));
        Endpoint tcp = ours.listen(new Endpoint.Tcp("127.0.0.1", 0));
        int port = tcp instanceof Endpoint.Tcp(String _, int it) ? it : 0;
        qemu = ForeignServer.secretQemuNbd(folder, good, "-f", "raw", raw.toString());
        uri = "nbds://localhost:" + port + "/disk";
        onTcp = "driver=nbd,host=localhost,port=%d,export=disk".formatted(port);
        onUnix = "driver=nbd,server.type=unix,server.path=" + qemu.socket();
    }

    @AfterEach
    void end() {
        ours.close();
        qemu.close();
    }

    private Path certificates(TestCertificates from, String name) throws IOException {
        Path made = from.folder(folder.resolve(name), "client", from.identity("a client"));
        return from.folder(made, "server", from.identity("a server", "localhost", "x.example"));
    }

    private static String object(Path certificates) {
        return "--object=tls-creds-x509,id=t,endpoint=client,dir=" + certificates;
    }

    // ---- by options

    /** Returns options of a raw disk on a server. */
    private static String raw(String options) {
        return "driver=raw,file." + options.replace(",", ",file.") + ",file.tls-creds=t";
    }

    @Test
    void infoSaysWhatQemuImgSays() {
        String host = ",tls-hostname=x.example";
        for (String options : new String[] {onTcp, onUnix + host, onTcp + host}) {
            Object[] words = {"info", object(good), "--image-opts", raw(options)};
            assertEquals(Peers.qemuImg(words).ok().out(), Cli.asQemuImg(words).ok().out());
            Cli.gaur(words).ok();
        }
    }

    @Test
    void convertReadsBothServers() throws Exception {
        for (String options : new String[] {onTcp, onUnix + ",tls-hostname=x.example"}) {
            Path target = folder.resolve("target");
            String source = raw(options);
            Cli.gaur("convert", object(good), "--image-opts", "-O", "raw", source, target).ok();
            assertArrayEquals(content, Files.readAllBytes(target));
            Object[] io = {object(good), "-r", "--image-opts", source};
            assertFalse(Cli.asQemuIo("read 0 4M\n", io).ok().out().isEmpty());
        }
    }

    @Test
    void anotherAuthorityOrNameIsRefused() {
        for (String options : new String[] {onTcp, onUnix + ",tls-hostname=x.example"}) {
            Path target = folder.resolve("target");
            String secret = options + ",tls-creds=t";
            Object[][] wrong = {
                {"info", object(other), "--image-opts", secret},
                {
                    "info",
                    object(good),
                    "--image-opts",
                    secret.replace(",tls-hostname=x.example", "") + ",tls-hostname=y.example"
                },
                {"convert", object(other), "--image-opts", "-O", "raw", secret, target},
            };
            for (Object[] each : wrong) {
                Peers.qemuImg(each).exited(1);
                Peers.Result refused = Cli.asQemuImg(each).exited(1);
                assertTrue(refused.err().startsWith("qemu-img: Could not open "), refused.err());
                assertFalse(Files.exists(target));
            }
        }
    }

    @Test
    void wrongCredentialsAreRefusedInQemusWords() {
        String server = "--object=tls-creds-x509,id=t,endpoint=server,dir=" + good;
        Object[][] wrong = {
            {"info", object(good), "--image-opts", onTcp + ",tls-creds=nosuch"},
            {"info", "--image-opts", onUnix + ",tls-creds=t"},
            {"info", server, "--image-opts", onUnix + ",tls-creds=t"},
            {"info", "--object=secret,id=t,data=x", "--image-opts", onUnix + ",tls-creds=t"},
            {"info", "--image-opts", onUnix},
            {"info", object(good), "--image-opts", onUnix + ",tls-creds=t"},
            {"create", "--object=nosuch,id=t", "-f", "raw", "nbd+unix:///?socket=/no", "1M"},
        };
        for (Object[] each : wrong) {
            assertEquals(Peers.qemuImg(each).exited(1).err(), Cli.asQemuImg(each).exited(1).err());
        }
    }

    /** Who does not verify the server has no use for its name. */
    @Test
    void aServerThatIsNotVerifiedNeedsNoName() {
        String careless = object(good) + ",verify-peer=off";
        Object[] words = {"info", careless, "--image-opts", raw(onUnix)};
        assertEquals(Peers.qemuImg(words).ok().out(), Cli.asQemuImg(words).ok().out());
    }

    // ---- by URI, which qemu-img has not

    @Test
    void aUriTakesTheOnlyObject() throws Exception {
        for (String name : new String[] {uri, qemu.uri()}) {
            Path target = folder.resolve("target");
            Cli.gaur("convert", object(good), "-f", "raw", "-O", "raw", name, target).ok();
            assertArrayEquals(content, Files.readAllBytes(target));
            Cli.gaur("info", object(other), name).exited(1);
            String none = Cli.gaur("info", name).exited(1).err();
            assertTrue(none.contains("TLS needs credentials"), none);
        }
    }

    @Test
    void aUriIsATarget() throws Exception {
        byte[] bytes = TestBytes.patchy(new Random(6), SIZE);
        Path source = Files.write(folder.resolve("source"), bytes);
        Cli.gaur("convert", object(good), "-n", "-f", "raw", "-O", "raw", source, uri).ok();
        assertArrayEquals(bytes, TestBytes.readArray(disk, 0, SIZE));
        Cli.gaur("convert", object(other), "-n", "-f", "raw", "-O", "raw", source, uri).exited(1);
        Cli.gaur("convert", object(good), "-f", "raw", "-O", "raw", source, uri).ok();
        Cli.gaur("convert", "-f", "raw", "-O", "raw", source, uri).exited(1);
        Cli.gaur("create", object(good), "-f", "qcow2", uri, "1M").ok();
        Cli.gaur("check", object(good), "-f", "qcow2", uri).ok();
        Cli.gaur("create", "-f", "qcow2", uri, "1M").exited(1);
    }

    @Test
    void aProgramOpensAUri() throws Exception {
        OpenOptions plain = OpenOptions.DEFAULT.withFormat("raw");
        OpenOptions secret = plain.withTls(TlsCredentials.ofClient(good, true));
        for (String name : new String[] {uri, qemu.uri()}) {
            try (DiskImage opened = Gaur.open(URI.create(name), secret);
                    var bytes = opened.inputStream(0, SIZE)) {
                assertArrayEquals(content, bytes.readAllBytes());
            }
            assertThrows(
                    BlockException.Unsupported.class, () -> Gaur.open(URI.create(name), plain));
        }
    }
}
