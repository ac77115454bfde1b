package dev.gaur.verify.write;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gaur.verify.Peers;
import dev.gaur.verify.rules.Repository;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.RandomAccessFile;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A conversion that is ended by a signal leaves nothing behind. */
class SignalTest {
    private static final Path GAUR = Repository.root().resolve("gaur");
    private static final long LENGTH = 64 << 20;

    @TempDir Path folder;

    @BeforeAll
    static void buildIfNeeded() {
        Peers.run("sh", GAUR, "--version").ok();
    }

    @ParameterizedTest
    @ValueSource(strings = {"qcow2", "raw"})
    @Timeout(120)
    void nothingIsLeft(String format) throws IOException, InterruptedException {
        Path source = folder.resolve("source");
        try (RandomAccessFile file = new RandomAccessFile(source.toFile(), "rw")) {
            file.write(new byte[] {1});
            file.setLength(LENGTH);
        }
        Path target = folder.resolve("target");
        // So slow that it would take a minute; progress says that it has begun.
        Process process =
                new ProcessBuilder(
                                GAUR.toString(),
                                "convert",
                                "--progress=json",
                                "-S",
                                "0",
                                "-r",
                                "1M",
                                "-f",
                                "raw",
                                "-O",
                                format,
                                source.toString(),
                                target.toString())
                        .redirectErrorStream(true)
                        .start();
        try (BufferedReader lines =
                new BufferedReader(
                        new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8))) {
            String line = lines.readLine();
            assertTrue(line != null && line.contains("\"done\""), "said " + line);
            // Not SIGINT, which takes the same way, but is ignored in whatever a script runs behind
            // it.
            Peers.run("kill", "-TERM", process.pid()).ok();
            while (line != null) {
                line = lines.readLine();
            }
        }
        assertTrue(process.waitFor() != 0);
        try (Stream<Path> files = Files.list(folder)) {
            assertEquals(List.of(source), files.toList());
        }
    }
}
