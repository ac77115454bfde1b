package dev.gaur.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.gaur.verify.Peers;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Cache modes do what they do in QEMU: what is in the page cache after a command shows which files
 * it went past it for. Where the file system keeps no other copy, both keep all.
 */
class CacheModesOracleTest {
    private static final long SEED = Long.getLong("gaur.seed", 20261126L);

    @TempDir Path theirs = Path.of("");
    @TempDir Path ours = Path.of("");

    @BeforeEach
    void makeImages() throws IOException {
        byte[] content = new byte[1 << 20];
        new Random(SEED).nextBytes(content);
        Files.write(theirs.resolve("raw"), content);
        Files.write(theirs.resolve("same"), content);
        qemuImg("convert -f raw -O qcow2 raw base");
        qemuImg("convert -f raw -O qcow2 raw other");
        qemuImg("create -q -f qcow2 -b base -F qcow2 over");
        Peers.qemuIo(theirs.resolve("over"), "qcow2", "write -P 7 100k 100k").ok();
        Peers.qemuIo(theirs.resolve("other"), "qcow2", "write -P 8 300k 100k").ok();
        try (var files = Files.list(theirs)) {
            for (Path each : files.toList()) {
                Path copy = ours.resolve(each.getFileName());
                Files.copy(each, copy, StandardCopyOption.REPLACE_EXISTING);
            }
        }
    }

    private void qemuImg(String line) {
        Peers.qemuImgIn(theirs, (Object[]) line.split(" ")).ok();
    }

    /** Takes all files of a folder out of the page cache. */
    private static void drop(Path folder) throws IOException {
        try (var files = Files.list(folder)) {
            for (Path each : files.toList()) {
                Peers.run(
                                "dd",
                                "of=" + each,
                                "oflag=nocache",
                                "conv=notrunc,fdatasync",
                                "count=0",
                                "status=none")
                        .ok();
            }
        }
    }

    /** Returns the files in a folder of which some is in the page cache. */
    private static Set<String> cached(Path folder) throws IOException {
        Set<String> cached = new TreeSet<>();
        try (var files = Files.list(folder)) {
            for (Path each : files.toList()) {
                String pages = Peers.run("fincore", "-n", "-o", "PAGES", each).ok().text();
                if (!pages.equals("0")) {
                    cached.add(each.getFileName().toString());
                }
            }
        }
        return cached;
    }

    private static String all(Peers.Result result) {
        return IoOracleTest.withoutTimes(result.out()).replaceAll("in \\d+\\.\\d{3} s", "in TIME")
                + result.err()
                + result.status();
    }

    private static Object[] words(String line, String at) {
        return Arrays.stream(line.split(" ")).map(word -> word.replace("@", at)).toArray();
    }

    private void compare(String line) {
        Peers.Result expected = Peers.qemuImgIn(theirs, words(line, ""));
        Peers.Result actual = Cli.asQemuImg(words(line, ours + "/"));
        assertEquals(all(expected), all(actual).replace(ours + "/", ""), line);
    }

    private void compareWithCache(String line) throws IOException {
        drop(theirs);
        drop(ours);
        compare(line);
        Set<String> expected = cached(theirs);
        Set<String> actual = cached(ours);
        if (line.contains("none") || line.contains("off") || line.contains("directsync")) {
            expected.retainAll(actual); // QEMU creates images through the cache in any mode.
        }
        assertEquals(expected, actual, line);
    }

    @ParameterizedTest
    @ValueSource(strings = {"none", "off", "directsync", "writethrough", "writeback", "unsafe"})
    void everyModeGoesPastTheCacheWhereQemuDoes(String mode) throws IOException {
        compareWithCache("convert -T " + mode + " -f raw -O raw @raw @out1");
        compareWithCache("convert -t " + mode + " -f raw -O raw @raw @out2");
        compareWithCache("convert -T " + mode + " -f qcow2 -O qcow2 @over @out3");
        compareWithCache("convert -t " + mode + " -f qcow2 -O qcow2 @over @out4");
        compareWithCache("convert -t " + mode + " -c -f raw -O qcow2 @same @out5");
        compareWithCache("convert -n -t " + mode + " -f qcow2 -O qcow2 @over @out4");
        compareWithCache("compare -T " + mode + " -f raw -F raw @raw @same");
        compareWithCache("check -T " + mode + " @base");
        compareWithCache("bench -t " + mode + " -c 4 -d 1 -f raw @raw");
        compareWithCache("bench -t " + mode + " -w -c 4 -d 1 -f raw @raw");
        compareWithCache("amend -t " + mode + " -o lazy_refcounts=on @other");
        compareWithCache("rebase -t " + mode + " -u -b base -F qcow2 @over");
        compareWithCache("rebase -t " + mode + " -T " + mode + " -b other -F qcow2 @over");
        compareWithCache("commit -t " + mode + " @over");
        for (Path each : List.of(theirs, ours)) {
            for (String image : List.of("base", "other", "over", "out3", "out4", "out5")) {
                Peers.qemuImgIn(each, "check", "-q", "-f", "qcow2", image).ok();
                Cli.gaur("check", each.resolve(image)).ok();
            }
        }
        for (String image : List.of("raw", "out1", "out2")) {
            same("raw", image);
        }
        for (String image : List.of("over", "other", "out4", "out5")) {
            same("qcow2", image);
        }
    }

    private void same(String format, String image) {
        Path first = theirs.resolve(image);
        Path second = ours.resolve(image);
        Peers.qemuImg("compare", "-f", format, "-F", format, first, second).ok();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "convert -T wrong @raw @new",
                "convert -t wrong @raw @new",
                "convert -n -t wrong @raw @same",
                "compare -T wrong @raw @raw",
                "check -T wrong @base",
                "rebase -t wrong -u -b @base @over",
                "rebase -T wrong -u -b @base @over",
                "commit -t wrong @over",
                "amend -t wrong -o compat=1.1 @over",
                "bench -t wrong @raw",
                "convert -T none /proc/version @new",
                "compare -T none /proc/version @raw",
                "compare -T none @raw /proc/version",
                "check -T none /proc/version",
                "bench -t none -c 1 /proc/version"
            })
    void whatCannotBeIsRefusedInQemusWords(String line) {
        compare(line);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "-n",
                "-t none",
                "-t off",
                "-t directsync",
                "-t writethrough",
                "-t writeback",
                "-t unsafe"
            })
    void ioGoesPastTheCacheWhereQemuDoes(String option) throws IOException {
        for (String image : List.of("raw", "over")) {
            String format = image.equals("raw") ? "raw" : "qcow2";
            List<String> words = new ArrayList<>(List.of(option.split(" ")));
            words.addAll(List.of("-f", format));
            Random random = new Random(SEED);
            for (int i = 0; i < 20; i++) {
                int length = 1 + random.nextInt(200_000);
                int offset = random.nextInt((1 << 20) - length);
                String verb = List.of("write -P " + i, "write -z", "discard", "read").get(i % 4);
                words.addAll(List.of("-c", verb + " " + offset + " " + length));
            }
            drop(theirs);
            drop(ours);
            List<Object> theirWords = new ArrayList<>(words);
            theirWords.add(image);
            List<Object> ourWords = new ArrayList<>(words);
            ourWords.add(ours.resolve(image));
            Peers.Result expected = Peers.runWith("", theirs, "qemu-io", theirWords.toArray());
            Peers.Result actual = Cli.asQemuIo("", ourWords.toArray());
            assertEquals(all(expected), all(actual), option + ", seed " + SEED);
            assertEquals(cached(theirs), cached(ours), option);
            same(format, image);
        }
    }

    @Test
    void ioRefusesWhatCannotBeInQemusWords() {
        for (String line : List.of("-n /proc/version", "-t wrong /proc/version")) {
            Peers.Result expected = Peers.runWith("", theirs, "qemu-io", words(line, ""));
            Peers.Result actual = Cli.asQemuIo("", words(line, ""));
            assertEquals(all(expected), all(actual), line);
        }
    }
}
