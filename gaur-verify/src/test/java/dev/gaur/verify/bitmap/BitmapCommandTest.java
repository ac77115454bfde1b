package dev.gaur.verify.bitmap;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gaur.cli.Cli;
import dev.gaur.verify.Peers;
import dev.gaur.verify.zoo.Peer;
import dev.gaur.verify.zoo.Specimen;
import dev.gaur.verify.zoo.Specimen.Kind;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** {@code bitmap} does what qemu-img's does, and what it refuses it refuses in the same words. */
class BitmapCommandTest {
    @TempDir static Path originals;
    @TempDir Path folder;

    @BeforeAll
    static void makeImages() {
        create("plain", "qcow2", "10M");
        create("large", "qcow2", "20M");
        create("empty", "qcow2", "10M");
        create("one", "qcow2", "10M");
        Peers.qemuImgIn(originals, "bitmap", "--add", "one", "b").ok();
        create("raw", "raw", "1M");
        Peers.qemuImgIn(originals, "create", "-q", "-f", "qcow2", "-o", "compat=0.10", "v2", "1M")
                .ok();
        for (String each : List.of("plain", "large")) {
            Peers.qemuImgIn(originals, "bitmap", "--add", each, "b").ok();
            Peers.qemuImgIn(originals, "bitmap", "--add", "-g", "4k", each, "fine").ok();
            Peer.qemuIo(originals.resolve(each), "qcow2", List.of("write 1M 70k"));
        }
        Peers.qemuImgIn(originals, "create", "-q", "-f", "qcow2", "crashed", "10M").ok();
        Peers.qemuImgIn(originals, "bitmap", "--add", "crashed", "b").ok();
        Peer.qemuIoThenDie(originals.resolve("crashed"), List.of("write 0 64k", "flush"));
        Peers.qemuImgIn(
                        originals, "create", "-q", "-u", "-f", "qcow2", "-b", "missing", "-F",
                        "qcow2", "overlay", "10M")
                .ok();
    }

    private static void create(String name, String format, String size) {
        Peers.qemuImgIn(originals, "create", "-q", "-f", format, name, size).ok();
    }

    /** The folder with fresh copies. */
    private Path fresh(String name) throws IOException {
        Path copy = Files.createDirectory(folder.resolve(name));
        try (var files = Files.list(originals)) {
            for (Path each : files.toList()) {
                Files.copy(each, copy.resolve(each.getFileName()));
            }
        }
        return copy;
    }

    /** A name with a {@code /} is a file in the folder. */
    @ParameterizedTest
    @ValueSource(
            strings = {
                "bitmap",
                "bitmap /plain",
                "bitmap /plain b",
                "bitmap --add /plain",
                "bitmap --add /plain x y",
                "bitmap --zork /plain b",
                "bitmap --add -q /plain b",
                "bitmap --merge",
                "bitmap -g",
                "bitmap -g foo --add /plain x",
                "bitmap -g -1 --add /plain x",
                "bitmap -g 9E --add /plain x",
                "bitmap -g 100 --add /plain x",
                "bitmap -g 1000 --add /plain x",
                "bitmap -g 256 --add /plain x",
                "bitmap -g 4G --add /plain x",
                "bitmap -g 1.5k --add /plain x",
                "bitmap -g 0 --add /plain x",
                "bitmap -g 2G --add /plain x",
                "bitmap -g 4k --enable /plain b",
                "bitmap -g 4k --add -F raw /plain",
                "bitmap -F raw --add /plain x",
                "bitmap -F raw --merge b /plain b",
                "bitmap -b /large --add /plain x",
                "bitmap -b /large --merge b /plain b",
                "bitmap -b /missing --merge b /plain b",
                "bitmap -b /raw -F nope --merge b /plain b",
                "bitmap -b /raw -F raw --merge b /plain b",
                "bitmap --add /missing b",
                "bitmap --add -f nope /plain b",
                "bitmap --add -f qcow2 /raw b",
                "bitmap --add /plain b",
                "bitmap --add --add /plain x",
                "bitmap --add --merge none /plain x",
                "bitmap --add --merge fine --disable /plain x",
                "bitmap --add --remove /plain x",
                "bitmap --remove /plain none",
                "bitmap --clear /plain none",
                "bitmap --enable /plain none",
                "bitmap --disable /plain none",
                "bitmap --merge none /plain b",
                "bitmap --merge b /plain none",
                "bitmap --merge b /plain b",
                "bitmap --merge b --merge fine --clear --merge fine /plain b",
                "bitmap --clear /crashed b",
                "bitmap --enable /crashed b",
                "bitmap --disable /crashed b",
                "bitmap --merge b /crashed b",
                "bitmap --add --merge b /crashed x",
                "bitmap --add /crashed b",
                "bitmap --remove /crashed b",
                "bitmap --remove --add /crashed b",
                "bitmap --remove -f raw /raw b",
                "bitmap --add /overlay b"
            })
    void toldAndDoneAlike(String line) throws IOException {
        Path theirs = fresh("theirs");
        Path ours = fresh("ours");
        Peers.Result expected = Peers.qemuImgIn(theirs, words(line, theirs));
        Peers.Result actual = Cli.asQemuImg(words(line, ours));

        assertEquals(all(expected, theirs), all(actual, ours));
        for (String each : List.of("plain", "crashed", "overlay")) {
            assertEquals(bitmaps(theirs.resolve(each)), bitmaps(ours.resolve(each)));
            Cli.gaur("check", ours.resolve(each)).ok();
        }
        Peers.qemuImg("check", ours.resolve("plain")).ok();
        Peers.qemuImg("check", ours.resolve("crashed")).ok();
    }

    private static Object[] words(String line, Path folder) {
        List<Object> words = new ArrayList<>();
        for (String word : line.split(" ")) {
            words.add(word.startsWith("/") ? folder + word : word);
        }
        return words.toArray();
    }

    private static String all(Peers.Result result, Path folder) {
        return (result.out() + result.err() + result.status()).replace(folder + "/", "");
    }

    private static List<String> bitmaps(Path image) {
        return Peers.qemuImg("info", "-U", image)
                .out()
                .lines()
                .dropWhile(each -> !each.contains("bitmaps:"))
                .takeWhile(each -> !each.contains("refcount bits"))
                .toList();
    }

    @Test
    void aBitmapThatCannotBeStoredIsRefused() throws IOException {
        Path ours = fresh("ours");
        Path theirs = fresh("theirs");
        String name = "x".repeat(1024);
        for (List<String> each :
                List.of(List.of("v2", "b"), List.of("plain", name), List.of("plain", ""))) {
            Object[] command = {"bitmap", "--add", "-f", "qcow2", each.getFirst(), each.getLast()};
            Peers.Result expected = Peers.qemuImgIn(theirs, command);
            command[4] = ours.resolve(each.getFirst());
            Peers.Result actual = Cli.asQemuImg(command);

            // QEMU makes up a name for the image.
            assertEquals(1, actual.status());
            assertEquals(
                    expected.err().replaceAll("'#block\\d+'", "IMAGE"),
                    actual.err().replaceAll("'" + ours + "/\\w+'", "IMAGE"));
        }
    }

    @Test
    void oneBrokenBitmapCanBeRemovedAndThenQemuOpensTheImage() throws IOException {
        Path image = fresh("ours").resolve("plain");
        Specimen specimen = Specimen.read(image);
        long directory =
                specimen.regions().stream()
                        .filter(region -> region.kind() == Kind.BITMAP_DIRECTORY)
                        .findFirst()
                        .orElseThrow()
                        .offset();
        specimen.copy().putU8(directory + 17, 40).write(image);
        Peers.qemuImg("info", image).exited(1);
        Peers.qemuImg("check", image).exited(1);

        Peers.Result info = Cli.gaur("info", image).ok();
        assertTrue(info.out().contains("name: fine"), info.toString());
        Cli.gaur("check", image).exited(2);
        Cli.gaur("bitmap", "--clear", image, "fine").ok();
        Cli.gaur("bitmap", "--clear", image, "b").exited(1);
        Peers.qemuImg("info", image).exited(1);

        Cli.gaur("bitmap", "--remove", image, "b").ok();
        assertEquals(
                Peers.qemuImg("info", image).ok().out(), Cli.asQemuImg("info", image).ok().out());
        Peers.qemuImg("check", image).ok();
        Cli.gaur("check", image).ok();
    }

    /** A name with a {@code /} is a file in the folder. */
    @ParameterizedTest
    @ValueSource(
            strings = {
                "convert --bitmaps -O qcow2 /plain /new",
                "convert --bitmaps -c -f qcow2 -O qcow2 -o cluster_size=4k /large /new",
                "convert --bitmaps -n -O qcow2 /plain /one",
                "convert --bitmaps -n -O qcow2 /plain /empty",
                "convert --bitmaps -O raw /plain /new",
                "convert --bitmaps -f raw -O qcow2 /raw /new",
                "convert --bitmaps -O qcow2 /v2 /new",
                "convert --bitmaps -O qcow2 -o compat=0.10 /plain /new",
                "convert --bitmaps -O qcow2 /plain /large /new",
                "convert --bitmaps -O qcow2 /crashed /new",
                "convert --bitmaps --skip-broken-bitmaps -O qcow2 /crashed /new",
                "convert --skip-broken-bitmaps -O qcow2 /plain /new"
            })
    void bitmapsAreConvertedAlike(String line) throws IOException {
        Path theirs = fresh("theirs");
        Path ours = fresh("ours");
        Peers.Result expected = Peers.qemuImgIn(theirs, words(line, theirs));
        Peers.Result actual = Cli.asQemuImg(words(line, ours));

        assertEquals(all(expected, theirs), all(actual, ours));
        for (String each : List.of("new", "large", "empty")) {
            if (expected.status() == 0 || !each.equals("new")) {
                assertEquals(sorted(theirs.resolve(each)), sorted(ours.resolve(each)));
            }
        }
    }

    /** What QEMU lists, in any order. */
    private static List<String> sorted(Path image) {
        return bitmaps(image).stream().filter(each -> each.contains(": ")).sorted().toList();
    }

    @Test
    void bitmapsOfAnotherImageAreMerged() throws IOException {
        Path ours = fresh("ours");
        Path theirs = fresh("theirs");
        for (Path each : List.of(ours, theirs)) {
            Files.copy(each.resolve("plain"), each.resolve("other"));
            Peer.qemuIo(each.resolve("other"), "qcow2", List.of("write 5M 1"));
        }
        Cli.asQemuImg(
                        "bitmap",
                        "-b",
                        ours.resolve("other"),
                        "--merge",
                        "fine",
                        ours.resolve("plain"),
                        "b")
                .ok();
        Peers.qemuImgIn(theirs, "bitmap", "-b", "other", "--merge", "fine", "plain", "b").ok();
        long size = 10 << 20;
        var expected = QemuBitmaps.read(theirs.resolve("plain"), "b", size, 65536);
        var actual = QemuBitmaps.read(ours.resolve("plain"), "b", size, 65536);
        assertEquals(3, expected.count());
        for (long word = 0; word < 3; word++) {
            assertEquals(expected.word(word), actual.word(word));
        }
    }

    /** QEMU applies no snapshot to an image with bitmaps; here they grow, as far as they can. */
    @ParameterizedTest
    @ValueSource(strings = {"3M", "3T"})
    void aSnapshotThatMakesTheDiskTooLargeForABitmapIsNotApplied(String size) throws IOException {
        Path image = folder.resolve("image");
        Peers.qemuImg("create", "-q", "-f", "qcow2", image, size).ok();
        Peers.qemuIo(image, "qcow2", "write -P 1 0 64k").ok();
        Peers.qemuImg("snapshot", "-c", "large", image).ok();
        Peers.qemuImg("resize", "-q", "--shrink", image, "1M").ok();
        Peers.qemuImg("bitmap", "--add", "-g", "512", image, "b").ok();
        Peers.qemuIo(image, "qcow2", "write -P 2 0 64k").ok();
        boolean fits = size.equals("3M");
        Cli.gaur("snapshot", "-a", "large", image).exited(fits ? 0 : 1);
        Peers.qemuImg("check", image).ok();
        Peers.qemuIo(image, "qcow2", "read -P " + (fits ? 1 : 2) + " 0 64k").ok();
        assertTrue(Peers.qemuImg("info", image).ok().out().contains("name: b"));
        Cli.gaur("bitmap", "--clear", image, "b").ok();
    }
}
