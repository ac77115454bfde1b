package dev.gaur.verify.nbdclient;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gaur.cli.Cli;
import dev.gaur.testkit.TestCertificates;
import dev.gaur.verify.Peers;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** {@code gaur nbd --list} prints what {@code qemu-nbd --list} prints. */
class ListTest {
    private static final TestCertificates CA = new TestCertificates("an authority");

    @TempDir Path folder = Path.of("");

    private static Peers.Result compare(Object... words) {
        Peers.Result expected = Peers.run("qemu-nbd", words);
        Peers.Result actual = Cli.asQemuNbd(words);
        assertEquals(expected.err(), actual.err());
        assertEquals(expected.out(), actual.out());
        assertEquals(expected.status(), actual.status());
        return actual;
    }

    private Path image() {
        Path image = folder.resolve("image");
        Peers.qemuImg("create", "-q", "-f", "qcow2", image, "8M").ok();
        Peers.qemuImg("bitmap", "--add", image, "b0").ok();
        Peers.qemuImg("bitmap", "--add", image, "b1").ok();
        return image;
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "-f qcow2",
                "-r -x foo",
                "-x foo -D describedhere -A -B b0 -B b1",
                "-f raw -o 1",
            })
    void ofQemuNbd(String arguments) throws Exception {
        String image = image().toString();
        String[] words = (arguments + " " + image).split(" ");
        try (ForeignServer server = ForeignServer.qemuNbd(folder, words)) {
            compare("--list", "-k", server.socket()).ok();
            compare("-L", "-t", "-k", server.socket()).ok();
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "null 1234567",
                "--filter=blocksize-policy null 1M blocksize-minimum=512 blocksize-preferred=64k"
                        + " blocksize-maximum=32M",
                "--filter=blocksize-policy null 1M blocksize-minimum=1 blocksize-preferred=4k"
                        + " blocksize-maximum=1M",
                "--filter=exportname memory 5M default-export=x exportname-list=explicit"
                        + " exportname=x exportname=y exportdesc=fixed:hello",
                "--filter=exportname null 1M exportname-list=empty",
                "--no-sr null 1M",
                "-r null 1M",
                "--filter=nozero --filter=noextents memory 1M"
            })
    void ofNbdkit(String arguments) throws Exception {
        try (ForeignServer server = ForeignServer.nbdkit(folder, arguments.split(" "))) {
            compare("--list", "-k", server.socket()).ok();
        }
    }

    @Test
    void namesDoNotSteerTheTerminal() throws Exception {
        String[] words = {"-f", "qcow2", "-x", "a\033[2Jb", "-D", "c\nd", image().toString()};
        try (ForeignServer server = ForeignServer.qemuNbd(folder, words)) {
            String out = Cli.asQemuNbd("-L", "-k", server.socket()).ok().out();
            assertTrue(out.contains(" export: 'a?[2Jb'\n  description: c?d\n"), out);
        }
    }

    // ---- TLS

    private Path certificates(TestCertificates from, String name) throws IOException {
        Path made = from.folder(folder.resolve(name), "client", from.identity("a client"));
        return from.folder(made, "server", from.identity("a server", "name.example"));
    }

    private static Object[] secret(ForeignServer server, Path certificates, String host) {
        return new Object[] {
            "-L",
            "-k",
            server.socket(),
            "--object",
            "tls-creds-x509,id=t,endpoint=client,dir=" + certificates,
            "--tls-creds=t",
            "--tls-hostname=" + host
        };
    }

    @Test
    void throughTls() throws Exception {
        Path good = certificates(CA, "good");
        Path other = certificates(new TestCertificates("another authority"), "other");
        String image = image().toString();
        try (ForeignServer server = ForeignServer.secretQemuNbd(folder, good, "-x", "foo", image)) {
            compare(secret(server, good, "name.example")).ok();
            compare("-L", "-k", server.socket()).exited(1);
            for (Object[] wrong :
                    new Object[][] {
                        secret(server, good, "else.example"), secret(server, other, "name.example")
                    }) {
                Peers.run("qemu-nbd", wrong).exited(1);
                Peers.Result refused = Cli.asQemuNbd(wrong).exited(1);
                assertFalse(refused.err().isEmpty());
                assertEquals("", refused.out());
            }
        }
        assertTrue(Files.exists(good));
    }
}
