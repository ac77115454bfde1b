package dev.gaur.verify.hostile;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assertions.fail;

import dev.gaur.block.BlockException;
import dev.gaur.cli.Cli;
import dev.gaur.verify.Peers;
import dev.gaur.verify.zoo.ImageZoo;
import dev.gaur.verify.zoo.Peer;
import dev.gaur.verify.zoo.Specimen;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Consumer;

/** A damaged image, and what is expected of Gaur when it meets it. */
final class Patient {
    /** What no case may take: not a measure of speed, but the end of an endless loop. */
    static final Duration LIMIT = Duration.ofSeconds(20);

    private static final Set<String> COUNTERS =
            Set.of("corruptions", "leaks", "check-errors", "image-end-offset");

    private final Path path;
    private final byte[] bytes;

    private Patient(Path path, Specimen specimen) {
        this.path = path;
        this.bytes = specimen.bytes().clone();
        specimen.write(path);
    }

    /** A copy of a golden image, damaged. */
    static Patient of(String golden, Consumer<Specimen> damage) {
        Golden healthy = Golden.named(golden);
        Specimen specimen = healthy.specimen();
        damage.accept(specimen);
        return new Patient(healthy.beside("patient"), specimen);
    }

    /** An image of these bytes, in a folder of its own. */
    static Patient of(Specimen specimen) {
        return new Patient(ImageZoo.workshop("patients").resolve("patient"), specimen);
    }

    Path path() {
        return path;
    }

    /** Whatever is done with the image, nothing worse than a clear error happens. */
    Map<String, String> survives() {
        Map<String, String> outcome =
                assertTimeoutPreemptively(
                        LIMIT, () -> Exercise.all(path, path.resolveSibling("scratch")));
        assertUnchanged();
        return outcome;
    }

    /** The image cannot be opened, and the message has these words (in any case). */
    void refuses(String... words) {
        Map<String, String> outcome = survives();
        String message = outcome.getOrDefault("open", "");
        if (message.equals(Exercise.FINE)) {
            fail("opens, but should not: " + outcome);
        }
        assertWords(message, words);
    }

    /** The image opens, and reading all of it fails with these words. */
    void failsToRead(String... words) {
        Map<String, String> outcome = survives();
        assertEquals(Exercise.FINE, outcome.get("open"), outcome::toString);
        assertWords(outcome.getOrDefault("read", ""), words);
    }

    /** Everything but the check and the safety report finds nothing wrong. */
    void opensAndReads() {
        Map<String, String> outcome = survives();
        assertEquals(Exercise.FINE, outcome.get("open"), outcome::toString);
        assertEquals(Exercise.FINE, outcome.get("read"), outcome::toString);
    }

    /** Both programs' checks come to the same verdict and counters. */
    void checksLikeQemu() {
        Peers.Result qemu =
                Peers.qemuImgIn(Peer.folder(path), "check", "-f", "qcow2", "--output=json", path);
        Peers.Result gaur =
                assertTimeoutPreemptively(
                        LIMIT, () -> Cli.asQemuImg("check", "-f", "qcow2", "--output=json", path));
        assertEquals(counters(qemu), counters(gaur), () -> "qemu: " + qemu + "\ngaur: " + gaur);
        assertEquals(qemu.status(), gaur.status(), () -> "qemu: " + qemu + "\ngaur: " + gaur);
        survives();
    }

    private static Set<String> counters(Peers.Result result) {
        Set<String> lines = new TreeSet<>();
        for (String line : result.out().lines().toList()) {
            String field = line.strip().replace(",", "");
            if (COUNTERS.stream().anyMatch(field::contains)) {
                lines.add(field);
            }
        }
        return lines;
    }

    static void assertWords(String message, String... words) {
        String text = message.toLowerCase(Locale.ROOT);
        for (String word : words) {
            assertTrue(text.contains(word.toLowerCase(Locale.ROOT)), word + " not in: " + message);
        }
    }

    /** Opening throws an error of a certain kind. */
    <T extends BlockException> T openFailsWith(Class<T> type) {
        return assertThrows(type, () -> Exercise.open(path).close());
    }

    private void assertUnchanged() {
        try {
            assertArrayEquals(bytes, Files.readAllBytes(path), "bytes of the image changed");
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
