package dev.gaur.verify.launcher;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gaur.verify.Peers;
import dev.gaur.verify.rules.Repository;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code ./gaur tour}, which the README promises. */
class TourTest {
    private static final Path GAUR = Repository.root().resolve("gaur");

    @TempDir Path folder;

    @BeforeAll
    static void buildIfNeeded() {
        Peers.run("sh", GAUR, "--version").ok();
    }

    @Test
    void theTourShowsEachCommandBeforeItsResultAndCleansUp() {
        var result = Peers.run("env", "TMPDIR=" + folder, GAUR, "tour").ok();

        for (String command :
                List.of(
                        "create",
                        "convert",
                        "info",
                        "check",
                        "map",
                        "compare",
                        "measure",
                        "snapshot",
                        "bitmap",
                        "io",
                        "commit",
                        "resize",
                        "serve",
                        "inspect")) {
            assertTrue(result.out().contains("\n$ gaur " + command + " "), command + result.out());
        }
        assertTrue(result.out().contains("Images are identical."), result.out());
        assertTrue(result.out().contains("\nThat was the tour. "), result.out());
        assertEquals("", result.err());
        assertArrayEquals(new String[0], folder.toFile().list());
    }

    @Test
    void aStepThatFailsStopsTheTour() {
        var result =
                Peers.run("env", "TMPDIR=" + folder, "GAUR_JAVA_OPTIONS=-Xmx1k", GAUR, "tour")
                        .exited(1);

        assertTrue(result.err().contains("the tour stops: 'gaur convert "), result.err());
        assertArrayEquals(new String[0], folder.toFile().list());
    }
}
