package dev.gaur.verify.launcher;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gaur.verify.Peers;
import dev.gaur.verify.rules.Repository;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * What the launcher decides, in a small tree of its own: the build only notes that it ran, and the
 * JVM prints its arguments, one per line.
 */
class LauncherScriptTest {
    private static final Instant LONG_AGO = Instant.parse("2020-01-01T00:00:00Z");

    private static final String BUILD =
            """
            #!/bin/sh
            echo build >>"$(dirname "$0")/../builds"
            root=$(cd "$(dirname "$0")/.." && pwd -P)
            mkdir -p "$root/.gaur/app"
            cd "$root/.gaur/app" && touch stamp info.aot short.aot long.aot serve.aot
            printf '%s\\n' "$root/jdk" "$root" >jdk
            """;

    private static final String JAVA =
            """
            #!/bin/sh
            for argument in "$@"; do printf '<%s>\\n' "$argument"; done
            """;

    @TempDir Path temporary;
    private Path tree;

    @BeforeEach
    void makeTree() throws IOException {
        tree = temporary.resolve("tree");
        for (String module : List.of("gaur-engine", "gaur-cli")) {
            write(module + "/pom.xml", "");
            write(module + "/src/main/java/A.java", "");
        }
        write("pom.xml", "");
        write("jdk/release", "JAVA_VERSION=\"25.0.1\"\n");
        program("jdk/bin/java", JAVA);
        program("build/build.sh", BUILD);
        program("gaur", Repository.read("gaur"));
        try (var files = Files.walk(tree)) {
            for (Path file : (Iterable<Path>) files::iterator) {
                Files.setLastModifiedTime(file, FileTime.from(LONG_AGO));
            }
        }
    }

    @Test
    void buildsOnceAndNotAgain() throws IOException {
        start("info");
        start("info");

        assertEquals(1, builds());
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "pom.xml",
                "build/build.sh",
                "gaur-engine/pom.xml",
                "gaur-engine/src/main/java/A.java",
                "gaur-cli/src/main/java/A.java",
                "jdk/release"
            })
    void buildsAgainWhenAFileIsNewer(String file) throws IOException {
        start("info");
        Files.setLastModifiedTime(tree.resolve(file), FileTime.from(Instant.now().plusSeconds(9)));
        start("info");

        assertEquals(2, builds());
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                ".gaur/app/stamp",
                ".gaur/app/jdk",
                ".gaur/app/info.aot",
                ".gaur/app/short.aot",
                ".gaur/app/long.aot",
                ".gaur/app/serve.aot"
            })
    void buildsAgainWhenAPartOfTheBuildIsGone(String file) throws IOException {
        start("info");
        Files.delete(tree.resolve(file));
        start("info");

        assertEquals(2, builds());
    }

    @Test
    void buildsAgainWhenASourceWasRemoved() throws IOException {
        start("info");
        Files.delete(tree.resolve("gaur-cli/src/main/java/A.java"));
        Files.setLastModifiedTime(
                tree.resolve("gaur-cli/src/main/java"),
                FileTime.from(Instant.now().plusSeconds(9)));
        start("info");

        assertEquals(2, builds());
    }

    @Test
    void buildsAgainWhenTheTreeWasMoved() throws IOException {
        start("info");
        tree = Files.move(tree, temporary.resolve("moved here"));
        start("info");

        assertEquals(2, builds());
    }

    @Test
    void startsAtTheSameTimeBuildOnce() throws Exception {
        var starts = new ArrayList<Thread>();
        for (int i = 0; i < 8; i++) {
            starts.add(Thread.startVirtualThread(() -> start("info")));
        }
        for (Thread thread : starts) {
            thread.join();
        }

        assertEquals(1, builds());
    }

    @Test
    void aBuildThatFailsEndsTheStart() throws IOException {
        program("build/build.sh", "#!/bin/sh\necho 'gaur: the build failed'\nexit 3\n");

        var result = Peers.run(tree.resolve("gaur").toString(), "info");

        assertEquals(1, result.status());
        assertEquals("", result.out());
        assertEquals("gaur: the build failed\n", result.err());
    }

    @Test
    void argumentsArriveAsTheyWereGiven() {
        List<String> given =
                List.of("info", "", "two words", "@file", "*", "\"'$HOME\\", "--", "-h");

        List<String> arrived = start(given.toArray());

        int main = arrived.indexOf("<dev.gaur.cli.Main>");
        assertEquals(
                given.stream().map("<%s>"::formatted).toList(),
                arrived.subList(main + 1, arrived.size()));
    }

    @Test
    void kindsOfCommandsHaveTheirOwnOptions() {
        assertEquals("<@" + tree.resolve(".gaur/app/info.args") + ">", start("info").getFirst());
        assertEquals("<@" + tree.resolve(".gaur/app/short.args") + ">", start("create").getFirst());
        assertEquals("<@" + tree.resolve(".gaur/app/long.args") + ">", start("check").getFirst());
        assertEquals("<@" + tree.resolve(".gaur/app/serve.args") + ">", start("serve").getFirst());
        assertEquals("<@" + tree.resolve(".gaur/app/serve.args") + ">", start("nbd").getFirst());
        assertEquals("<@" + tree.resolve(".gaur/app/copy.args") + ">", start("convert").getFirst());
        assertEquals(
                "<@" + tree.resolve(".gaur/app/long.args") + ">",
                start("convert", "-c").getFirst());
    }

    @Test
    void theNameOfTheLinkIsPassedOn() throws IOException {
        Path link = Files.createSymbolicLink(temporary.resolve("qemu-nbd"), tree.resolve("gaur"));

        var result = Peers.run(link.toString(), "x").ok();

        assertTrue(result.out().contains("<-Dgaur.program=qemu-nbd>"), result.out());
        assertTrue(result.out().startsWith("<@" + tree.resolve(".gaur/app/serve.args")));
    }

    @Test
    void theFirstJdkThatIsNewEnoughIsFound() throws IOException {
        program("jdk/bin/javac", "");
        program("old/bin/javac", "");
        write("old/release", "IMPLEMENTOR=\"x\"\nJAVA_VERSION=\"17.0.2\"\n");
        String script = Repository.root().resolve("build/find-jdk.sh").toString();
        String path = "PATH=" + tree.resolve("jdk/bin") + ":/usr/bin:/bin";

        var fromHome = Peers.run("env", "JAVA_HOME=" + tree.resolve("jdk"), script).ok();
        var fromPath = Peers.run("env", "JAVA_HOME=" + tree.resolve("old"), path, script).ok();

        assertEquals(tree.resolve("jdk") + "\n", fromHome.out());
        assertEquals(tree.toRealPath().resolve("jdk") + "\n", fromPath.out());
    }

    @Test
    void scriptsPassShellcheck() {
        var scripts =
                Repository.files().stream()
                        .filter(file -> Repository.read(file).startsWith("#!/bin/sh"))
                        .map(file -> Repository.root().resolve(file))
                        .toArray();

        assertTrue(scripts.length >= 5, "only " + scripts.length);
        assertEquals("", Peers.run("shellcheck", scripts).out());
    }

    private List<String> start(Object... arguments) {
        var result = Peers.run(tree.resolve("gaur").toString(), arguments).ok();
        assertEquals("", result.err());
        return result.out().lines().toList();
    }

    private int builds() throws IOException {
        return Files.readAllLines(tree.resolve("builds")).size();
    }

    private void write(String name, String text) throws IOException {
        Path file = tree.resolve(name);
        Files.createDirectories(file.getParent());
        Files.writeString(file, text);
    }

    private void program(String name, String text) throws IOException {
        write(name, text);
        assertTrue(tree.resolve(name).toFile().setExecutable(true));
    }
}
