package dev.gaur.verify.serve;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gaur.testkit.TestCertificates;
import dev.gaur.verify.Peers;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code gaur serve} as people and programs use it. */
class ServeTest {
    @TempDir Path folder;

    @BeforeAll
    static void buildIfNeeded() {
        Peers.run("sh", Server.GAUR, "--version").ok();
    }

    private String uri(String export) {
        return "nbd+unix:///" + export + "?socket=" + folder.resolve("gaur.sock");
    }

    private static Peers.Result info(String uri, String... options) {
        Object[] arguments = Stream.concat(Stream.of(options), Stream.of(uri)).toArray();
        return Peers.run("nbdinfo", arguments);
    }

    private List<String> files() throws IOException {
        try (Stream<Path> files = Files.list(folder)) {
            return files.map(file -> file.getFileName().toString()).sorted().toList();
        }
    }

    private void image(String name, String size) {
        Peers.qemuImgIn(folder, "create", "-q", "-f", "qcow2", name, size).ok();
    }

    @Test
    void withoutArgumentsItMakesADiskAndServesItUntilTold() throws IOException {
        try (Server server = Server.serve(folder)) {
            assertEquals("made disk.qcow2, thin, 10 GiB", server.said().getFirst());
            assertTrue(server.said().contains("  " + uri("disk.qcow2")), server.said().toString());
            assertEquals("10737418240", info(uri("disk.qcow2"), "--size").ok().text());
            Peers.run("qemu-io", "-f", "raw", "-c", "write -P 7 1M 64k", uri("disk.qcow2")).ok();

            Peers.Result result = server.end("TERM").ok();

            assertTrue(result.out().endsWith(" 64 KiB written\n"), result.out());
        }
        assertEquals(List.of("disk.qcow2"), files());
        Peers.qemuImg("check", folder.resolve("disk.qcow2")).ok();
        Peers.qemuIo(folder.resolve("disk.qcow2"), "qcow2", "read -P 7 1M 64k").ok();
    }

    @Test
    void aSecondStartServesTheSameDiskAndLeavesAPortThatIsTaken() throws IOException {
        image("disk.qcow2", "1M");
        try (ServerSocket taken = new ServerSocket(0, 1, InetAddress.getLoopbackAddress());
                Server server = Server.serve(folder)) {
            assertEquals("1048576", info(uri("disk.qcow2"), "--size").ok().text());
            server.end("TERM").ok();
            Peers.Result refused =
                    Peers.runIn(
                            folder,
                            List.of(
                                    Server.GAUR.toString(),
                                    "serve",
                                    "-p",
                                    Integer.toString(taken.getLocalPort())));
            assertEquals(
                    "gaur: cannot listen on 127.0.0.1:"
                            + taken.getLocalPort()
                            + ": Address already in use\n",
                    refused.exited(1).err());
        }
        assertEquals(List.of("disk.qcow2"), files());
    }

    @Test
    void theUsualPortMayBeTaken() throws IOException {
        image("disk.qcow2", "1M");
        Path other = Files.createDirectory(folder.resolve("other"));
        try (Server first = Server.serve(folder);
                Server second = Server.serve(other)) {
            Peers.Result result = second.end("TERM").ok();
            first.end("TERM").ok();
            assertTrue(
                    result.err()
                            .contains(
                                    "gaur: warning: not listening on 127.0.0.1:10809: Address"
                                            + " already in use\n"),
                    result.err());
        }
    }

    @Test
    void severalImagesAreSeveralExports() throws IOException {
        image("a.qcow2", "1M");
        image("b.qcow2", "2M");
        image("c=d.qcow2", "3M");
        Object[] arguments = {
            "-k", "gaur.sock", "--read-only=b", "a.qcow2", "b=b.qcow2", "c=d.qcow2"
        };
        try (Server server = Server.serve(folder, arguments)) {
            String list = info(uri(""), "--list", "--json").ok().out();
            for (String name : List.of("a.qcow2", "b", "c=d.qcow2")) {
                assertTrue(list.contains("\"export-name\": \"" + name + "\""), list);
            }
            assertEquals("3145728", info(uri("c=d.qcow2"), "--size").ok().text());
            assertEquals("2097152", info(uri("b"), "--size").ok().text());
            assertEquals(0, info(uri("b"), "--is", "read-only").status());
            assertEquals(2, info(uri("a.qcow2"), "--is", "read-only").status());
            server.end("TERM").ok();
        }
    }

    @Test
    void twoExportsOfOneNameAreRefused() throws IOException {
        image("a.qcow2", "1M");
        Path other = Files.createDirectory(folder.resolve("other"));
        Files.copy(folder.resolve("a.qcow2"), other.resolve("a.qcow2"));

        Peers.Result result = gaurServe("a.qcow2", "other/a.qcow2").exited(1);

        assertEquals(
                "gaur: there are two exports 'a.qcow2': write NAME=IMAGE to choose the names\n",
                result.err());
        assertEquals(List.of("a.qcow2", "other"), files());
    }

    private Peers.Result gaurServe(String... arguments) {
        List<String> command =
                Stream.concat(Stream.of(Server.GAUR.toString(), "serve"), Stream.of(arguments))
                        .toList();
        return Peers.runIn(folder, command);
    }

    @Test
    void anImageThatIsInUseIsRefusedAndNamesTheHolder() throws IOException {
        image("a.qcow2", "1M");
        try (Server server = Server.serve(folder, "-k", "s", "a.qcow2")) {
            String error = gaurServe("-k", "t", "a.qcow2").exited(1).err();

            assertTrue(error.contains("Process " + server.pid()), error);
            server.end("TERM").ok();
        }
        assertEquals(List.of("a.qcow2"), files());
    }

    @Test
    void aPartOfASnapshotWithItsData() throws IOException {
        image("a.qcow2", "8M");
        Path image = folder.resolve("a.qcow2");
        Peers.qemuIo(image, "qcow2", "write -P 1 1M 1M", "write -P 2 2M 1M").ok();
        Peers.qemuImgIn(folder, "snapshot", "-c", "old", "a.qcow2").ok();
        Peers.qemuIo(image, "qcow2", "write -P 9 0 8M").ok();
        Object[] arguments = {
            "-k", "gaur.sock", "--snapshot", "old", "--offset", "1536k", "--size", "2M", "x=a.qcow2"
        };
        try (Server server = Server.serve(folder, arguments)) {
            assertEquals("2097152", info(uri("x"), "--size").ok().text());
            assertEquals(0, info(uri("x"), "--is", "read-only").status());
            Object[] reads = {
                "-r",
                "-f",
                "raw",
                "-c",
                "read -P 1 0 512k",
                "-c",
                "read -P 2 512k 1M",
                "-c",
                "read -P 0 1536k 512k",
                uri("x")
            };
            String read = Peers.run("qemu-io", reads).ok().out();
            assertFalse(read.contains("Pattern verification failed"), read);
            String map = info(uri("x"), "--map", "--totals").ok().out();
            assertTrue(map.lines().anyMatch(line -> line.matches("\\s*1572864\\s.*data")), map);
            server.end("TERM").ok();
        }
        assertEquals(1, gaurServe("--offset", "9M", "a.qcow2").status());
    }

    @Test
    void soundBitmapsAreToldOfAndMoveWithThePart() throws IOException {
        image("a.qcow2", "8M");
        Path image = folder.resolve("a.qcow2");
        Peers.qemuImgIn(folder, "bitmap", "--add", "-g", "64k", "a.qcow2", "b0").ok();
        Peers.qemuIo(image, "qcow2", "write 3M 128k").ok();
        String context = "--map=qemu:dirty-bitmap:b0";
        try (Server server = Server.serve(folder, "-k", "gaur.sock", "-r", "a.qcow2")) {
            String map = info(uri("a.qcow2"), context).ok().out();
            assertTrue(map.matches("(?s).*\\s3145728\\s+131072\\s+1\\s.*"), map);
            server.end("TERM").ok();
        }
        Object[] part = {"-k", "gaur.sock", "--offset", "1M", "-B", "b0", "a.qcow2"};
        try (Server server = Server.serve(folder, part)) {
            String map = info(uri("a.qcow2"), context).ok().out();
            assertTrue(map.matches("(?s).*\\s2097152\\s+131072\\s+1\\s.*"), map);
            server.end("TERM").ok();
        }
        assertEquals("gaur: Bitmap 'b1' is not found\n", gaurServe("-B", "b1", "a.qcow2").err());
    }

    @Test
    void programsReadJson() throws IOException {
        image("a.qcow2", "1M");
        try (Server server = Server.serve(folder, "--json", "-k", "gaur.sock", "a.qcow2")) {
            String listening = server.said().getLast();
            assertTrue(
                    listening.contains(
                            "\"exports\": [{\"name\": \"a.qcow2\", \"size\": 1048576,"
                                    + " \"writable\": true, \"uris\": [\""
                                    + uri("a.qcow2")
                                    + "\"]}]"),
                    listening);
            Peers.run("nbdcopy", uri("a.qcow2"), "null:").ok();
            server.await(line -> line.contains("\"event\": \"opened\", \"export\": \"a.qcow2\""));
            server.await(line -> line.contains("\"event\": \"closed\", \"export\": \"a.qcow2\""));
            String out = server.end("TERM").ok().out();
            assertTrue(out.contains("\n{\"event\": \"stopped\", \"connections\": 0"), out);
            assertTrue(out.contains("\"cache-misses\": "), out);
            assertTrue(out.contains("\"cache-evictions\": "), out);
            assertTrue(out.contains("\"cow-reads-saved\": "), out);
        }
    }

    @Test
    void programsLearnWhereMetricsAre() throws Exception {
        image("a.qcow2", "1M");
        Object[] arguments = {"--json", "--metrics", "0", "-k", "gaur.sock", "a.qcow2"};
        try (Server server = Server.serve(folder, arguments);
                HttpClient client = HttpClient.newHttpClient()) {
            String listening = server.said().getLast();
            String uri = listening.replaceFirst(".*\"metrics\": \"(.*)\"}", "$1");
            HttpRequest request = HttpRequest.newBuilder(URI.create(uri)).build();
            String text = client.send(request, HttpResponse.BodyHandlers.ofString()).body();
            assertTrue(text.endsWith("\n# EOF\n"), text);
            server.end("TERM").ok();
        }
        assertEquals("gaur: --interval needs --json\n", gaurServe("--interval", "1").err());
    }

    @Test
    void withTlsTheUrisAndTheAdviceAreOfTls() throws IOException {
        image("a.qcow2", "1M");
        TestCertificates authority = new TestCertificates("an authority");
        Path keys = authority.folder(folder.resolve("k"), "client", authority.identity("client"));
        authority.folder(keys, "server", authority.identity("server", "localhost"));
        Object[] arguments = {
            "--object",
            "tls-creds-x509,id=t,endpoint=server,dir=" + keys,
            "--tls-creds=t",
            "-k",
            "gaur.sock",
            "-b",
            "0.0.0.0",
            "-p",
            "0",
            "a.qcow2"
        };
        try (Server server = Server.serve(folder, arguments)) {
            assertTrue(server.said().contains("  nbds+" + uri("a.qcow2").substring(4)));
            int shown = 0;
            for (String line : String.join("\n", server.said()).replace("\\\n", "").split("\n")) {
                boolean run = line.startsWith("  nbd") && line.contains(" '");
                if (run || line.startsWith("  qemu-img")) {
                    Peers.runIn(folder, List.of("sh", "-c", line.replace("DIR", keys.toString())))
                            .ok();
                    shown++;
                }
            }
            assertEquals(3, shown, server.said().toString());
            server.end("TERM").ok();
        }
    }

    @Test
    void whatIsNotThereOrTooLongIsNamed() {
        image("a.qcow2", "1M");
        assertEquals(
                "gaur: Could not open 'a.qcow2': there is no snapshot 'none'\n",
                gaurServe("-l", "none", "a.qcow2").exited(1).err());
        String name = "x".repeat(4097);
        assertEquals(
                "gaur: export name '" + name + "' too long\n",
                gaurServe(name + "=a.qcow2").exited(1).err());
    }

    @Test
    void totalsComeInIntervals() throws IOException {
        image("a.qcow2", "1M");
        Object[] arguments = {"--json", "--interval", "1", "-k", "gaur.sock", "a.qcow2"};
        try (Server server = Server.serve(folder, arguments)) {
            Peers.run("qemu-io", "-f", "raw", "-c", "write 0 64k", uri("a.qcow2")).ok();
            server.await(
                    line ->
                            line.startsWith("{\"event\": \"totals\"")
                                    && line.contains("\"written-bytes\": 65536"));
            server.end("TERM").ok();
        }
    }

    @Test
    void aTerminalShowsWhatGoesOn() throws IOException {
        image("a.qcow2", "1M");
        String inside = "echo $$; exec " + Server.GAUR + " serve -k gaur.sock a.qcow2";
        try (Server script = Server.start(folder, "script", "-qfec", inside, "/dev/null")) {
            String pid = script.await(line -> line.matches("\\d+"));
            script.await(line -> line.startsWith("listening"));
            Object[] write = {"bench", "-f", "raw", "-w", "-c", "2000", uri("a.qcow2")};
            Peers.qemuImg(write).ok(); // So many that a slow second has some, too.
            script.await(
                    line ->
                            line.matches(
                                    "(?s).*  [1-9]\\d* requests/s, .*B/s, \\d clients, tables"
                                            + " \\d+\\.\\d % of .*B hit \\([1-9]\\d* missed, \\d+"
                                            + " loaded, \\d+ evicted\\).*"));
            Peers.run("kill", pid).ok();
            script.result().ok();
        }
    }

    @Test
    void metricsAreOpenMetrics() throws Exception {
        image("a.qcow2", "1M");
        Object[] arguments = {"--metrics", "0", "-k", "gaur.sock", "a\"b=a.qcow2"};
        try (Server server = Server.serve(folder, arguments);
                HttpClient client = HttpClient.newHttpClient()) {
            Peers.run("qemu-io", "-f", "raw", "-c", "write 0 64k", uri("a%22b")).ok();
            String line = server.said().getFirst();
            URI uri = URI.create(line.substring("metrics at ".length()));
            HttpResponse<String> got =
                    client.send(
                            HttpRequest.newBuilder(uri).build(),
                            HttpResponse.BodyHandlers.ofString());
            String type = got.headers().firstValue("Content-Type").orElse("");
            assertTrue(type.startsWith("application/openmetrics-text; version=1.0.0"), type);
            String text = got.body();
            assertTrue(text.endsWith("\n# EOF\n"), text);
            assertTrue(
                    text.contains(
                            "# TYPE gaur_export_written_bytes counter\n"
                                    + "# UNIT gaur_export_written_bytes bytes\n"
                                    + "# HELP gaur_export_written_bytes Bytes written by"
                                    + " clients.\n"
                                    + "gaur_export_written_bytes_total{export=\"a\\\"b\"}"
                                    + " 65536\n"),
                    text);
            for (String name : List.of("hits", "misses", "loads", "evictions")) {
                assertTrue(text.contains("\ngaur_table_cache_" + name + "_total "), text);
            }
            Object[] python = {"-c", OPENMETRICS_GRAMMAR};
            Peers.runWith(text, folder, "python3", python).ok();
            server.end("TERM").ok();
        }
    }

    /** The parts of the format's grammar that we use, as strict as its text. */
    private static final String OPENMETRICS_GRAMMAR =
            """
            import re, sys
            lines = sys.stdin.read().split("\\n")
            assert lines[-2:] == ["# EOF", ""]
            family, kind, seen = None, None, set()
            for line in lines[:-2]:
                meta = re.fullmatch(r"# (TYPE|UNIT|HELP) ([a-z_]+) (.+)", line)
                if meta:
                    word, name, rest = meta.groups()
                    if word == "TYPE":
                        assert name not in seen and rest in ("counter", "gauge"), line
                        seen.add(name)
                        family, kind = name, rest
                    assert name == family, line
                    assert word != "UNIT" or name.endswith("_" + rest), line
                    continue
                label = r'[a-z_]+="(?:[^"\\\\\\n]|\\\\[n"\\\\])*"'
                sample = r"([a-z_]+)(?:\\{%s(?:,%s)*\\})? ([0-9]+)" % (label, label)
                name = re.fullmatch(sample, line).group(1)
                assert name == family + ("_total" if kind == "counter" else ""), line
            """;

    @Test
    void withOnceItEndsWithItsLastClient() throws IOException {
        image("a.qcow2", "1M");
        try (Server server = Server.serve(folder, "--once", "-k", "gaur.sock", "a.qcow2")) {
            info(uri("a.qcow2"), "--size").ok();
            server.result().ok();
        }
        assertEquals(List.of("a.qcow2"), files());
    }

    @Test
    void aSocketThatSomebodyElseHasOpenedIsUsed() throws IOException {
        image("a.qcow2", "1M");
        String activate =
                """
                import os, socket, sys
                s = socket.socket(socket.AF_UNIX)
                s.bind("new.sock")
                s.listen(5)
                os.rename("new.sock", "gaur.sock")
                os.dup2(s.fileno(), 3)
                os.set_inheritable(3, True)
                os.environ["LISTEN_FDS"] = "1"
                os.environ["LISTEN_PID"] = str(os.getpid())
                os.execv(sys.argv[1], sys.argv[1:])
                """;
        Object[] serve = {"python3", "-c", activate, Server.GAUR, "serve", "--once", "a.qcow2"};
        try (Server server = Server.start(folder, serve)) {
            server.await(line -> line.startsWith("listening"));
            assertEquals("1048576", info(uri("a.qcow2"), "--size").ok().text());
            server.result().ok();
        }
        Files.delete(folder.resolve("gaur.sock")); // It is theirs.
        Object[] nbd = {"python3", "-c", activate, Server.GAUR, "nbd", folder.resolve("a.qcow2")};
        try (Server server = Server.start(folder, nbd)) {
            info(awaitedUri(), "--size").ok();
            server.result().ok();
        }
    }

    /** Nobody tells when the socket is there; but it gets its name when one can connect. */
    private String awaitedUri() {
        while (!Files.exists(folder.resolve("gaur.sock"))) {
            Thread.onSpinWait();
        }
        return uri("");
    }
}
