package dev.gaur.verify.launcher;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gaur.verify.Peers;
import dev.gaur.verify.rules.Repository;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The real launcher starts the real Gaur. */
class LauncherTest {
    private static final Path GAUR = Repository.root().resolve("gaur");

    @TempDir Path folder;

    @BeforeAll
    static void buildIfNeeded() {
        Peers.run("sh", GAUR, "--version").ok();
    }

    @Test
    void printsItsVersionAndNothingElse() {
        var result = Peers.run(GAUR.toString(), "--version").ok();

        assertTrue(result.out().matches("gaur version \\d+\\.\\d+\\.\\d+\n"), result.out());
        assertEquals("", result.err());
    }

    @Test
    void underALinkNamedQemuImgItIsQemuImg() throws IOException {
        Path link = Files.createSymbolicLink(folder.resolve("qemu-img"), GAUR);

        var result = Peers.run(link.toString(), "--version").ok();
        Files.delete(link);

        assertTrue(result.out().startsWith("qemu-img version "), result.out());
        assertEquals("", result.err());
    }

    @Test
    void underALinkNamedQemuIoItIsQemuIoAndDiesAsToldTo() throws IOException {
        Path link = Files.createSymbolicLink(folder.resolve("qemu-io"), GAUR);
        Path disk = Files.write(folder.resolve("disk"), new byte[1 << 20]);

        var result =
                Peers.run(link.toString(), "-f", "raw", "-c", "write 0 512", "-c", "map", disk);
        var killed = Peers.run(link.toString(), "-c", "sigraise 9");
        var aborted = Peers.run(link.toString(), "-c", "abort");
        Files.delete(link);

        assertTrue(result.ok().out().startsWith("wrote 512/512 bytes at offset 0\n"), result.out());
        assertEquals("", result.err());
        assertEquals(128 + 9, killed.status());
        assertEquals(128 + 6, aborted.status());
        assertEquals("", aborted.out());
    }

    @Test
    void aLinkToALinkInThePathWorks() throws IOException {
        Path first = Files.createSymbolicLink(folder.resolve("first"), GAUR);
        Path second = Files.createSymbolicLink(folder.resolve("qemu-img"), first);

        var result = Peers.run("env", "PATH=" + folder + ":/usr/bin:/bin", "qemu-img", "--version");
        Files.delete(second);
        Files.delete(first);

        assertTrue(result.ok().out().startsWith("qemu-img version "), result.out());
    }

    @Test
    void optionsForOtherJavaProgramsDoNotChangeWhatItPrints() {
        var result =
                Peers.run(
                        "env",
                        "JAVA_TOOL_OPTIONS=-Dfile.encoding=ISO-8859-1",
                        "JDK_JAVA_OPTIONS=-Xmx64m",
                        "_JAVA_OPTIONS=-Xint",
                        GAUR,
                        "--version");

        assertTrue(result.ok().out().startsWith("gaur version "), result.out());
        assertEquals("", result.err());
    }

    @ParameterizedTest
    @ValueSource(strings = {"info", "create", "convert", "serve", "nbd"})
    void allKindsOfCommandStartFromTheirCache(String command) {
        var result =
                Peers.run(
                        "env",
                        "GAUR_JAVA_OPTIONS=-XX:AOTMode=on -Xlog:class+load:stdout",
                        GAUR,
                        command,
                        "--help");

        var main =
                result.ok().out().lines().filter(line -> line.contains("gaur.cli.Main ")).toList();
        assertEquals(1, main.size(), result.out());
        assertTrue(main.getFirst().endsWith("source: shared objects file"), main.getFirst());
    }

    @Test
    void withoutTheCacheItsTestWouldFail() {
        var result =
                Peers.run(
                        "env",
                        "GAUR_JAVA_OPTIONS=-XX:AOTMode=off -Xlog:class+load:stdout",
                        GAUR,
                        "info",
                        "--help");

        assertTrue(
                result.ok()
                        .out()
                        .lines()
                        .anyMatch(
                                line ->
                                        line.contains("gaur.cli.Main source: jar")
                                                || line.contains("gaur.cli.Main source: file")),
                result.out());
    }

    @Test
    void theSameJarsRunAsModules() {
        var result =
                Peers.run(
                        Path.of(System.getProperty("java.home"), "bin/java").toString(),
                        "--module-path",
                        Repository.root().resolve(".gaur/app"),
                        "--enable-native-access=dev.gaur",
                        "--module",
                        "dev.gaur.cli/dev.gaur.cli.Main",
                        "--version");

        assertTrue(result.ok().out().startsWith("gaur version "), result.out());
        assertEquals("", result.err());
    }

    @Test
    void namesBeyondAsciiArriveInAnyLocale() {
        var result = Peers.run("env", "LC_ALL=C", GAUR, "größe-磁盘").exited(1);

        assertTrue(result.err().contains("größe-磁盘"), result.err());
    }
}
