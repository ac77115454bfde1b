package dev.gaur.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import dev.gaur.verify.Peers;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Wrong options are refused in qemu-nbd's words, with its exit code, and nothing is left behind.
 */
class NbdErrorsOracleTest {
    @TempDir Path folder;

    @BeforeEach
    void makeImages() {
        Peers.qemuImgIn(folder, "create", "-q", "-f", "qcow2", "a.qcow2", "64M").ok();
        Peers.qemuImgIn(folder, "snapshot", "-c", "s1", "a.qcow2").ok();
    }

    private void compare(String arguments) throws IOException {
        List<Object> words = new ArrayList<>();
        for (String word : arguments.isEmpty() ? new String[0] : arguments.split(" ")) {
            words.add(word.replace("@", folder + "/"));
        }
        Peers.Result expected = Peers.run("qemu-nbd", words.toArray());
        Files.deleteIfExists(folder.resolve("s")); // It listens before it looks at the image.
        Peers.Result actual = Cli.asQemuNbd(words.toArray());

        assertEquals(1, expected.status(), arguments);
        assertEquals(expected.err(), actual.err(), arguments);
        assertEquals(expected.out(), actual.out(), arguments);
        assertEquals(expected.status(), actual.status(), arguments);
        assertFalse(Files.exists(folder.resolve("s")), arguments);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "a b",
                "-p",
                "-rs",
                "-vt",
                "-t -t",
                "-d",
                "--nosuch @a.qcow2",
                "-Z @a.qcow2",
                "--na @a.qcow2",
                "--s @a.qcow2",
                "--f @a.qcow2",
                "--format",
                "--format=",
                "--fork=x a",
                "-T nosuch -t",
                "-k rel @a.qcow2",
                "-e x @a.qcow2",
                "-e -1 @a.qcow2",
                "-e 9999999999 @a.qcow2",
                "-o x @a.qcow2",
                "-o 64k @a.qcow2",
                "-n --cache none @a.qcow2",
                "--cache bad @a.qcow2",
                "--aio bad @a.qcow2",
                "--aio threads --aio threads @a.qcow2",
                "--discard bad @a.qcow2",
                "--discard unmap --discard unmap @a.qcow2",
                "--detect-zeroes bad @a.qcow2",
                "--detect-zeroes unmap @a.qcow2",
                "--detect-zeroes unmap --discard unmap @a.qcow2",
                "-l snapshot.bad=9 @a.qcow2",
                "--image-opts -f qcow2 driver=qcow2",
                "--tls-creds x @a.qcow2",
                "--tls-authz x @a.qcow2",
                "--tls-hostname x @a.qcow2",
                "--object nosuch,id=a @a.qcow2",
                "-L @a.qcow2",
                "-L -x q",
                "-L --fork",
                "-A -L",
                "-L --tls-authz x",
                "-L --tls-hostname x",
                "-L -T x -x y",
                "-L --tls-creds x",
                "-L -k @s --tls-creds x"
            })
    void options(String arguments) throws IOException {
        compare(arguments);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "@missing",
                "/",
                "-s -f raw @missing",
                "-f nosuch @a.qcow2",
                "-o 99999999999 -k @s @a.qcow2",
                "--aio native -k @s @a.qcow2",
                "-l nosuch -k @s @a.qcow2",
                "-l snapshot.id=9 -k @s @a.qcow2",
                "-l snapshot.id=1,snapshot.name=s2 -k @s @a.qcow2",
                "-f raw -l s1 -k @s @a.qcow2",
                "-B nosuch -k @s @a.qcow2",
                "--image-opts driver=qcow2",
                "--image-opts driver=nosuch,file.filename=@a.qcow2",
                "--image-opts @a.qcow2"
            })
    void images(String arguments) throws IOException {
        compare(arguments);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "-L -k @nosuch",
                "-L -k @a.qcow2",
                "-L -b 127.0.0.1 -p 1",
                "-L -p bad",
                "-L -b nohost.invalid",
                "-p bad @a.qcow2",
                "-b 192.0.2.1 @a.qcow2",
                "-b nohost.invalid @a.qcow2",
                "-k @nosuch/s @a.qcow2",
                "--pid-file @nosuch/p -k @s @a.qcow2"
            })
    void sockets(String arguments) throws IOException {
        compare(arguments);
    }

    @Test
    void namesThatAreTooLong() throws IOException {
        compare("-x " + "n".repeat(4097) + " @a.qcow2");
        compare("-D " + "d".repeat(4097) + " @a.qcow2");
        compare("-k /" + "k".repeat(108) + " @a.qcow2");
        compare("-L -k /" + "k".repeat(108));
    }

    @Test
    void aPortThatIsTaken() throws Exception {
        try (ServerSocket taken = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            compare("-b 127.0.0.1 -p " + taken.getLocalPort() + " @a.qcow2");
        }
    }

    @Test
    void whatIsNotThereYetIsRefused() {
        Peers.Result connect = Cli.asQemuNbd("-c", "/dev/nbd0", folder.resolve("a.qcow2"));
        assertEquals("qemu-nbd: --connect is not supported yet\n", connect.exited(1).err());
    }
}
