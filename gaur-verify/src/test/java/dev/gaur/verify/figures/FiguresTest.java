package dev.gaur.verify.figures;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gaur.json.FlatJson;
import dev.gaur.verify.Peers;
import dev.gaur.verify.rules.Repository;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardWatchEventKinds;
import java.nio.file.WatchKey;
import java.nio.file.WatchService;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Runs of the least size by every way: table, JSON, page in a browser, bounds, errors, signals. */
class FiguresTest {
    private static final Path GAUR = Repository.root().resolve("gaur");

    @TempDir Path temporary;

    private Path folder = Path.of("");

    @BeforeAll
    static void buildIfNeeded() {
        Peers.run("sh", GAUR, "--version").ok();
    }

    @BeforeEach
    void makeFolder() throws IOException {
        folder = Files.createDirectory(temporary.resolve("images"));
    }

    private Peers.Result figures(Object... arguments) {
        List<Object> words = new ArrayList<>(List.of("bench", "figures", "--folder", folder));
        words.addAll(List.of(arguments));
        return Peers.run(GAUR.toString(), words.toArray());
    }

    private void assertNothingIsLeft() {
        assertArrayEquals(new String[0], folder.toFile().list());
    }

    @Test
    void itPrintsATableWritesJsonAndDrawsBars() throws IOException {
        Path json = temporary.resolve("figures.json");
        Path html = temporary.resolve("figures.html");
        String cases = "cow/64k/over-raw,cliff/*/32g-1m";
        var result =
                figures("--quick", "--time=10m", "--cases", cases, "--json", json, "--html", html)
                        .ok();

        assertEquals("", result.err());
        assertTrue(result.out().contains("\nFirst writes against rewrites\n"), result.out());
        assertTrue(result.out().contains("\n  raw backing file  "), result.out());
        assertTrue(result.out().contains("\n  qemu-nbd: 32 GiB, 1 MiB  "), result.out());
        assertNothingIsLeft();
        assertJson(json);
        // Raw and one more, through the API, gaur serve and qemu-nbd; first and again in one
        // figure.
        assertBars(html, 4, 2 * 3 * 2 + 2 * 3);
    }

    private static void assertJson(Path file) throws IOException {
        var json = FlatJson.read(Files.readString(file));

        assertEquals("1", json.get("rounds"));
        List<String> rows = new ArrayList<>();
        json.forEach(
                (name, value) -> {
                    if (name.endsWith(".again.0")) {
                        assertTrue(Double.parseDouble(String.valueOf(value)) > 0, name);
                        String row = name.substring(0, name.length() - ".again.0".length());
                        rows.add(json.get(row + ".server") + " " + json.get(row + ".variant"));
                    }
                });
        assertEquals(
                List.of(
                        "api raw",
                        "api 32g-1m",
                        "nbd raw",
                        "qemu raw",
                        "nbd 32g-1m",
                        "qemu 32g-1m",
                        "api raw",
                        "api over-raw",
                        "nbd raw",
                        "qemu raw",
                        "nbd over-raw",
                        "qemu over-raw"),
                rows);
        // What a server did first is told, to show how much it gains when it has run.
        assertTrue(Double.parseDouble(json.get("charts.3.rows.2.young.0")) > 0);
    }

    @Test
    void bothCacheModesAreOnOnePage() throws IOException {
        Path json = temporary.resolve("figures.json");
        Path html = temporary.resolve("figures.html");
        String cache = "--cache=writeback,none";
        String cases = "--cases=cow/64k/snapshot";
        figures("--quick", "--time=10m", cache, cases, "--json", json, "--html", html).ok();

        var told = FlatJson.read(Files.readString(json));
        List<String> charts = new ArrayList<>();
        for (int i = 0; told.containsKey("charts." + i + ".way"); i++) {
            charts.add(told.get("charts." + i + ".way") + told.get("charts." + i + ".direct"));
        }
        assertEquals(List.of("apioff", "nbdoff", "apion", "nbdon"), charts);
        assertBars(html, 4, 2 * 3 * 2 * 2);
        assertTrue(Files.readString(html).contains("16 in flight, O_DIRECT"), "how");
        assertNothingIsLeft();
    }

    @Test
    void thePageOfTheFullRunHasEveryFigure() throws IOException {
        Path page = Repository.root().resolve("docs/figures.html");
        List<Browser.Drawn> drawn = Browser.open(page, temporary);

        String text = Files.readString(page);
        for (String figure : List.of("small", "cliff", "cow", "preallocation")) {
            assertTrue(text.contains("<h2 id=\"" + figure + "\">"), figure);
        }
        assertTrue(text.contains("<code>gaur bench figures "), "the command");
        assertTrue(drawn.stream().filter(it -> it.is("CHART")).count() >= 30);
        assertDrawn(drawn);
    }

    private void assertBars(Path page, int charts, int bars) throws IOException {
        List<Browser.Drawn> drawn = Browser.open(page, temporary);

        assertEquals(charts, drawn.stream().filter(it -> it.is("CHART")).count());
        assertEquals(charts + 1, drawn.stream().filter(it -> it.is("TABLE")).count());
        assertEquals(bars, drawn.stream().filter(it -> it.is("BAR")).count());
        assertEquals(bars, drawn.stream().filter(it -> it.is("SPREAD")).count());
        assertDrawn(drawn);
    }

    /** Every bar is within its chart, below the one before it, and in one of the four colours. */
    private static void assertDrawn(List<Browser.Drawn> drawn) {
        Browser.Drawn chart = drawn.getFirst();
        double bottom = 0;
        for (Browser.Drawn each : drawn) {
            if (each.is("CHART")) {
                chart = each;
                bottom = each.y();
                assertTrue(each.width() > 500 && each.height() > 50, "" + each);
            } else if (each.is("BAR")) {
                assertTrue(each.height() > 5 && each.width() > 0, "" + each);
                assertTrue(each.x() > chart.x() && each.y() >= bottom, "" + each);
                assertTrue(each.x() + each.width() <= chart.x() + chart.width(), "" + each);
                bottom = each.y() + each.height();
                assertTrue(bottom < chart.y() + chart.height(), "" + each);
                assertNotEquals("rgb(0, 0, 0)", each.fill());
            } else if (each.is("LABEL")) {
                assertTrue(each.x() >= chart.x(), "" + each);
            }
        }
    }

    @Test
    void withoutTimeOneMeasurementIsMade() {
        var result = figures("--quick", "--time=0", "--through=api", "--cases=small/1m").ok();

        assertTrue(
                result.out().contains("small, Gaur's API, one thread: 1 case: the time was over"),
                result.out());
        assertNothingIsLeft();
    }

    @Test
    void whatIsNotInstalledIsLeftOutAndSaidSo() {
        String path = "PATH=" + programsOfTheLauncher();
        String cases = "--cases=small/1m";
        var result =
                Peers.run(
                                "env",
                                path,
                                GAUR,
                                "bench",
                                "figures",
                                "--quick",
                                cases,
                                "--folder",
                                folder)
                        .ok();

        assertTrue(result.out().contains("all through gaur serve: fio is not"), result.out());
        assertTrue(result.out().contains("all through qemu-nbd: fio is not"), result.out());
        assertTrue(result.out().contains("through the API"), result.out());
    }

    private Path programsOfTheLauncher() {
        Path programs = temporary.resolve("programs");
        try {
            Files.createDirectories(programs);
            for (String name : List.of("sh", "find", "readlink", "flock", "mkdir")) {
                String path = Peers.run("sh", "-c", "command -v " + name).ok().text();
                Files.createSymbolicLink(programs.resolve(name), Path.of(path));
            }
        } catch (IOException failure) {
            throw new AssertionError(failure);
        }
        return programs;
    }

    @Test
    void aFolderThatIsNotThereIsNamed() {
        var result =
                Peers.run(GAUR.toString(), "bench", "figures", "--folder", folder.resolve("no"))
                        .exited(1);

        assertEquals("gaur: there is no folder '" + folder.resolve("no") + "'\n", result.err());
    }

    @Test
    void aDiskThatIsTooSmallIsRefused() {
        var result = figures("--size", "7E").exited(1);

        assertTrue(result.err().contains(" MiB are free in '" + folder + "', but "), result.err());
        assertNothingIsLeft();
    }

    @Test
    void spaceThatEndsMeanwhileIsAnErrorAndNothingIsLeft() {
        // No file may be larger than 1 MiB: the disks have 2.
        String command = "ulimit -f 1024 && exec \"$1\" bench figures --quick --folder \"$2\" $3";
        String cases = "--through=api --cases=cow/64k/over-raw";
        var result = Peers.run("bash", "-c", command, "sh", GAUR, folder, cases).exited(1);

        assertTrue(result.err().startsWith("gaur: "), result.err());
        assertTrue(result.err().contains("File too large"), result.err());
        assertTrue(result.out().isEmpty(), result.out());
        assertNothingIsLeft();
    }

    @Test
    @Timeout(120)
    void aSignalEndsItWithItsServersAndItsFiles() throws IOException, InterruptedException {
        Process process =
                new ProcessBuilder(
                                GAUR.toString(),
                                "bench",
                                "figures",
                                "--through=nbd",
                                "--size=128M",
                                "--cases=cow/4k/over-raw",
                                "--rounds=1000",
                                "--folder",
                                folder.toString())
                        .redirectErrorStream(true)
                        .start();
        Path own = created(folder, "gaur-figures-");
        created(own, "gaur.sock");
        // Not SIGINT, which takes the same way, but is ignored in whatever a script runs behind it.
        Peers.run("kill", "-TERM", process.pid()).ok();
        String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);

        assertEquals(143, process.waitFor(), said);
        assertNothingIsLeft();
        Peers.run("pgrep", "-f", own).exited(1); // No server, no client.
    }

    /** Who kills a process that had forked leaves the others: waiting for a server that is gone. */
    @Test
    void noClientHasProcessesOfItsOwn() throws IOException, InterruptedException {
        Process process =
                new ProcessBuilder(
                                GAUR.toString(),
                                "bench",
                                "figures",
                                "--quick",
                                "--through=nbd",
                                "--cases=small/read-4k-random/raw",
                                "--folder",
                                folder.toString())
                        .redirectErrorStream(true)
                        .start();
        boolean seen = false;
        while (process.isAlive()) {
            for (ProcessHandle fio : process.descendants().filter(FiguresTest::isFio).toList()) {
                seen = true;
                assertEquals(0, fio.children().count());
            }
        }
        String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);

        assertEquals(0, process.waitFor(), said);
        assertTrue(seen, said);
    }

    private static boolean isFio(ProcessHandle process) {
        return process.info().command().orElse("").endsWith("/fio");
    }

    /** Waits until a file is made whose name begins in some way. */
    private static Path created(Path folder, String prefix)
            throws IOException, InterruptedException {
        try (WatchService watch = folder.getFileSystem().newWatchService()) {
            folder.register(watch, StandardWatchEventKinds.ENTRY_CREATE);
            while (true) {
                for (String name : names(folder)) {
                    if (name.startsWith(prefix)) {
                        return folder.resolve(name);
                    }
                }
                WatchKey key = watch.take();
                key.pollEvents();
                key.reset();
            }
        }
    }

    private static List<String> names(Path folder) {
        String[] names = folder.toFile().list();
        return names == null ? List.of() : List.of(names);
    }
}
