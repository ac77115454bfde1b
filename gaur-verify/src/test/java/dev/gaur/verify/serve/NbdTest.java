package dev.gaur.verify.serve;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gaur.verify.Peers;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Through a link named qemu-nbd the launcher is qemu-nbd: both run, and clients see the same. */
class NbdTest {
    @TempDir Path folder;
    private Path link;

    @BeforeAll
    static void buildIfNeeded() {
        Peers.run("sh", Server.GAUR, "--version").ok();
    }

    @BeforeEach
    void makeImages() throws IOException {
        link = Files.createSymbolicLink(folder.resolve("qemu-nbd"), Server.GAUR);
        Path image = folder.resolve("a.qcow2");
        Peers.qemuImgIn(folder, "create", "-q", "-f", "qcow2", "a.qcow2", "8M").ok();
        Peers.qemuIo(image, "qcow2", "write -P 1 1M 1M").ok();
        Peers.qemuImgIn(folder, "snapshot", "-c", "s1", "a.qcow2").ok();
        Peers.qemuImgIn(folder, "bitmap", "--add", "a.qcow2", "b1").ok();
        Peers.qemuIo(image, "qcow2", "write -P 2 2M 1M").ok();
        Files.write(folder.resolve("odd.raw"), new byte[100_000]);
    }

    private String uri(String export) {
        return "nbd+unix:///" + export + "?socket=" + folder.resolve("s");
    }

    private long pid() throws IOException {
        return Long.parseLong(Files.readString(folder.resolve("pid")).strip());
    }

    private void awaitEnd(long pid) {
        ProcessHandle.of(pid).ifPresent(process -> process.onExit().join());
    }

    private Peers.Result fork(Object program, Object... arguments) {
        List<String> command = new ArrayList<>(List.of(program.toString(), "--fork"));
        command.addAll(List.of("--pid-file", folder.resolve("pid").toString()));
        command.addAll(List.of("-k", folder.resolve("s").toString()));
        for (Object argument : arguments) {
            command.add(argument.toString());
        }
        return Peers.runIn(folder, command);
    }

    /** Serves with a program until a client has looked and gone, and returns what that has seen. */
    private String seen(Object program, String export, Object... arguments) throws IOException {
        Peers.Result started = fork(program, arguments).ok();
        assertEquals("", started.out() + started.err());
        long pid = pid();
        String mode =
                PosixFilePermissions.toString(Files.getPosixFilePermissions(folder.resolve("pid")));
        assertEquals("rw-------", mode);
        Files.delete(folder.resolve("pid"));
        String info = Peers.run("nbdinfo", "--json", uri(export)).ok().out();
        awaitEnd(pid);
        assertFalse(Files.exists(folder.resolve("s")));
        return info;
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "a.qcow2",
                "-e 2 a.qcow2",
                "-e 0 a.qcow2",
                "-r a.qcow2",
                "-r -e 4 a.qcow2",
                "-x nm -D words a.qcow2",
                "-x nm -A -B b1 a.qcow2",
                "-l s1 a.qcow2",
                "-l snapshot.name=s1 a.qcow2",
                "-l snapshot.id=1,snapshot.name=s1 a.qcow2",
                "-s a.qcow2",
                "-s -r a.qcow2",
                "-n a.qcow2",
                "-f raw a.qcow2",
                "-f raw odd.raw",
                "-f raw -o 1024 odd.raw",
                "--discard unmap --detect-zeroes unmap --cache writethrough --aio threads a.qcow2",
                "--image-opts driver=raw,file.filename=odd.raw,offset=512"
            })
    void clientsSeeTheSame(String arguments) throws IOException {
        Object[] words = arguments.split(" ");
        String export = arguments.contains("-x nm") ? "nm" : "";
        String expected = seen("qemu-nbd", export, words);
        assertEquals(expected, seen(link, export, words));
    }

    @Test
    void aForkThatFailsSaysWhyBeforeItReturns() throws IOException {
        Peers.Result expected = fork("qemu-nbd", "missing").exited(1);
        Files.deleteIfExists(folder.resolve("s")); // It listens before it looks at the image.
        Peers.Result actual = fork(link, "missing").exited(1);

        assertEquals(expected.err(), actual.err());
        assertEquals("", actual.out());
        assertFalse(Files.exists(folder.resolve("s")));
    }

    /** Others than SIGTERM take the same way, but are ignored behind some shells. */
    @Test
    void aSignalEndsItWithZero() throws IOException {
        Path socket = folder.resolve("s");
        Object[] command = {link, "-t", "-v", "-k", socket, folder.resolve("a.qcow2")};
        try (Server server = Server.start(folder, command)) {
            awaitSocket();
            Peers.run("qemu-io", "-f", "raw", "-c", "write -P 3 3M 64k", uri("")).ok();
            Peers.Result result = server.end("TERM").ok();
            assertEquals("", result.out() + result.err());
        }
        assertFalse(Files.exists(socket));
        Peers.qemuImgIn(folder, "check", "a.qcow2").ok();
        String read = Peers.qemuIo(folder.resolve("a.qcow2"), "qcow2", "read -P 3 3M 64k").out();
        assertFalse(read.contains("Pattern verification failed"), read);
    }

    private void awaitSocket() {
        while (Peers.run("nbdinfo", "--list", uri("")).status() != 0) {
            Thread.onSpinWait();
        }
    }

    @Test
    void persistentGoesOnAndTheOtherEndsWithItsClient() throws IOException {
        fork(link, "-t", "a.qcow2").ok();
        long pid = pid();
        for (int i = 0; i < 3; i++) {
            Peers.run("nbdinfo", "--size", uri("")).ok();
        }
        Peers.run("kill", pid).ok();
        awaitEnd(pid);
        fork(link, "a.qcow2").ok();
        long second = pid();
        Peers.run("nbdinfo", "--list", uri("")).ok(); // Chooses no export, and does not count.
        Peers.run("nbdinfo", "--size", uri("")).ok();
        awaitEnd(second);
    }

    @Test
    void aSecondClientWaitsItsTurn() throws IOException {
        String script =
                """
                import nbd, os, sys
                first = nbd.NBD()
                first.connect_uri(sys.argv[1])
                pid = os.fork()
                if pid == 0:
                    second = nbd.NBD()
                    second.connect_uri(sys.argv[1])
                    print("second " + bytes(second.pread(1, 3 << 20)).hex(), flush=True)
                    os._exit(0)
                first.pwrite(b"A" * 512, 3 << 20)
                print("first", flush=True)
                first.shutdown()
                os.waitpid(pid, 0)
                """;
        fork(link, "-t", "a.qcow2").ok();
        long pid = pid();
        Peers.Result result = Peers.run("/usr/bin/python3", "-c", script, uri("")).ok();
        assertEquals("first\nsecond 41\n", result.out());
        Peers.run("kill", pid).ok();
        awaitEnd(pid);
    }

    @Test
    void aTemporaryOverlayLeavesTheImageAlone() throws IOException {
        Path image = folder.resolve("a.qcow2");
        byte[] before = Files.readAllBytes(image);
        fork(link, "-s", "a.qcow2").ok();
        long pid = pid();
        Object[] commands = {
            "-f", "raw", "-c", "write -P 9 0 64k", "-c", "read -P 9 0 64k", "-c", "read -P 1 1M 1M"
        };
        Object[] all = Stream.concat(Stream.of(commands), Stream.of(uri(""))).toArray();
        String out = Peers.run("qemu-io", all).ok().out();
        assertFalse(out.contains("Pattern verification failed"), out);
        awaitEnd(pid);
        assertArrayEquals(before, Files.readAllBytes(image));
    }

    @Test
    void discardsAreIgnoredUnlessAskedFor() throws IOException {
        for (String mode : List.of("ignore", "unmap")) {
            fork(link, "--discard", mode, "a.qcow2").ok();
            long pid = pid();
            Object[] discard = {"-d", "unmap", "-f", "raw", "-c", "discard 1M 1M", uri("")};
            Peers.run("qemu-io", discard).ok();
            awaitEnd(pid);
            String map = Peers.qemuImgIn(folder, "map", "a.qcow2").ok().out();
            assertEquals(mode.equals("ignore"), map.contains("\n0x100000        0x100000  "), map);
        }
    }

    @Test
    void anEmptyNameIsNoSnapshot() {
        List<String> command = List.of("-k", folder.resolve("s").toString(), "-l", "", "a.qcow2");
        List<Peers.Result> results = new ArrayList<>();
        for (Object program : List.of("qemu-nbd", link)) {
            List<String> words = new ArrayList<>(List.of(program.toString()));
            words.addAll(command);
            results.add(Peers.runIn(folder, words).exited(1));
        }
        assertEquals(
                results.getFirst().err(),
                results.getLast().err().replace(link.toString(), "qemu-nbd"));
    }

    @Test
    void versionIsInItsForm() {
        String out = Peers.run(link.toString(), "-V").ok().out();
        assertTrue(out.matches("qemu-nbd 7\\.2\\.\\d+ \\(gaur .*\\)\n"), out);
        assertTrue(Peers.run(link.toString(), "--help").ok().out().startsWith("usage: qemu-nbd "));
    }
}
