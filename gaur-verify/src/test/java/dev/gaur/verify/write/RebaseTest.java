package dev.gaur.verify.write;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.gaur.cli.Cli;
import dev.gaur.verify.Peers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What {@code gaur rebase} leaves reads as before, for qemu-img too. */
class RebaseTest {
    @TempDir Path folder;

    private Path path(String name) {
        return folder.resolve(name);
    }

    /** Makes an image; {@code format} may have creation options after a comma. */
    static void create(Path file, String format, String size, String backing) {
        List<Object> command = new ArrayList<>(List.of("create", "-q"));
        int comma = format.indexOf(',');
        command.addAll(List.of("-f", comma < 0 ? format : format.substring(0, comma)));
        if (comma >= 0) {
            command.addAll(List.of("-o", format.substring(comma + 1)));
        }
        if (!backing.isEmpty()) {
            command.addAll(List.of("-b", backing, "-F", formatOf(file.resolveSibling(backing))));
        }
        command.add(file);
        if (!size.isEmpty()) {
            command.add(size);
        }
        Peers.qemuImg(command.toArray()).ok();
    }

    static String formatOf(Path file) {
        String info = Peers.qemuImg("info", "--output=json", file).ok().out();
        return info.contains("\"format\": \"qcow2\"") ? "qcow2" : "raw";
    }

    /** How many bytes QEMU compresses at a time. */
    static String compressed(String format) {
        return format.contains("cluster_size=2M") ? "2M" : "64k";
    }

    private void io(String name, String... commands) {
        Peers.qemuIo(path(name), formatOf(path(name)), commands).ok();
    }

    /** An overlay with data, compressed clusters and zeros of its own. */
    private void makeChain(String overlay, String old, String fresh) {
        create(path("base"), old, "5M", "");
        io("base", "write -P 1 0 3M", "write -z 1M 300k", "write -P 9 4900k 100k");
        create(path("overlay"), overlay, "8M", "base");
        io("overlay", "write -P 2 70k 130k", "write -z 2M 200k", "write -P 3 6M 10k");
        io("overlay", "write -c -P 4 4M " + compressed(overlay));
        create(path("new"), fresh, "10M", "");
        io("new", "write -P 1 0 1M", "write -P 5 2500k 1M", "write -P 6 7M 1100k");
        Peers.qemuImg("convert", "-O", "raw", path("overlay"), path("want")).ok();
    }

    private void readsAsBefore() {
        Peers.qemuImg("check", path("overlay")).ok();
        Peers.qemuImg("compare", "-f", "raw", path("want"), path("overlay")).ok();
        Cli.asQemuImg("compare", "-f", "raw", path("want"), path("overlay")).ok();
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "qcow2 | qcow2 | qcow2",
                "qcow2 | raw | raw",
                "qcow2,cluster_size=4k | qcow2 | raw",
                "qcow2,cluster_size=64k | qcow2,cluster_size=512 | qcow2,cluster_size=2M",
                "qcow2,cluster_size=2M | raw | qcow2",
                "qcow2,compat=0.10 | raw | qcow2",
                "qcow2,compat=0.10,cluster_size=4k | qcow2 | raw",
                "qcow2,extended_l2=on | qcow2 | qcow2,extended_l2=on",
                "qcow2,extended_l2=on,cluster_size=16k | raw | qcow2",
                "qcow2,compression_type=zstd | qcow2 | raw",
                "qcow2,lazy_refcounts=on | qcow2 | raw",
                "qcow2,refcount_bits=64 | raw | raw"
            })
    void theDiskReadsTheSame(String overlay, String old, String fresh) {
        for (String compress : List.of("", "-c")) {
            makeChain(overlay, old, fresh);
            List<Object> command = new ArrayList<>(List.of("rebase", "-b", "new", "-F"));
            command.add(formatOf(path("new")));
            if (!compress.isEmpty()) {
                command.add(compress);
            }
            command.add(path("overlay"));
            Cli.asQemuImg(command.toArray()).ok();
            readsAsBefore();
            io("overlay", "write -P 8 100k 2M", "discard 4M 1M"); // It takes QEMU's writes.
            Peers.qemuImg("check", path("overlay")).ok();
            makeChain(overlay, old, fresh);
            Cli.asQemuImg("rebase", "-b", "", path("overlay")).ok();
            readsAsBefore();
        }
    }

    @Test
    void asMuchIsCopiedAsQemuCopies() throws Exception {
        makeChain("qcow2", "qcow2", "qcow2");
        Files.copy(path("overlay"), path("theirs"));
        Cli.asQemuImg("rebase", "-b", "new", "-F", "qcow2", path("overlay")).ok();
        Peers.qemuImg("rebase", "-b", "new", "-F", "qcow2", path("theirs")).ok();
        assertEquals(depths("theirs"), depths("overlay"));
        assertEquals(info("theirs"), info("overlay"));
    }

    private static final Pattern EXTENT =
            Pattern.compile("\"start\": (\\d+), \"length\": (\\d+), \"depth\": (\\d+)");

    /** Which layer decides from where on. */
    private String depths(String name) {
        String map = Peers.qemuImg("map", "--output=json", path(name)).ok().out();
        StringBuilder depths = new StringBuilder();
        String last = "";
        for (Matcher each = EXTENT.matcher(map); each.find(); last = each.group(3)) {
            if (!each.group(3).equals(last)) {
                depths.append(each.group(1)).append(": ").append(each.group(3)).append('\n');
            }
        }
        return depths.toString();
    }

    private String info(String name) {
        String text = Peers.qemuImg("info", path(name)).ok().out();
        return text.replaceAll("(?m)^(image|disk size): .*$", "");
    }

    @Test
    void aSnapshotOfTheOverlayStaysWhatItIs() {
        makeChain("qcow2", "qcow2", "qcow2");
        Cli.asQemuImg("rebase", "-b", "", path("overlay")).ok(); // All of it is its own.
        Peers.qemuImg("snapshot", "-c", "one", path("overlay")).ok();
        Peers.qemuImg("rebase", "-u", "-b", "base", "-F", "qcow2", path("overlay")).ok();
        io("overlay", "discard 1M 2M", "write -P 7 3M 1M");
        Peers.qemuImg("convert", "-O", "raw", path("overlay"), path("want")).ok();
        Cli.asQemuImg("rebase", "-b", "new", "-F", "qcow2", path("overlay")).ok();
        readsAsBefore();
        Path ours = path("ours");
        Peers.qemuImg("convert", "-l", "one", "-O", "raw", path("overlay"), ours).ok();
    }

    @Test
    void aLayerBetweenIsMergedIntoTheTop() {
        makeChain("qcow2", "qcow2", "qcow2");
        create(path("top"), "qcow2", "", "overlay");
        io("top", "write -P 11 3M 100k");
        Peers.qemuImg("convert", "-O", "raw", path("top"), path("want")).ok();
        Cli.asQemuImg("rebase", "-b", "base", "-F", "qcow2", path("top")).ok();
        Peers.qemuImg("compare", "-f", "raw", path("want"), path("top")).ok();
        Peers.qemuImg("check", path("top")).ok();
    }

    @Test
    void theUnsafeWayTakesAnyName() {
        makeChain("qcow2", "qcow2", "qcow2");
        Cli.asQemuImg("rebase", "-u", "-b", "nowhere", "-F", "raw", path("overlay")).ok();
        String info = Peers.qemuImg("info", path("overlay")).ok().out();
        assertEquals(true, info.contains("backing file: nowhere (actual path"), info);
        Cli.asQemuImg("rebase", "-u", "-b", "base", "-F", "qcow2", path("overlay")).ok();
        readsAsBefore();
        Cli.asQemuImg("rebase", "-u", path("overlay")).ok();
        assertEquals(false, Cli.asQemuImg("info", path("overlay")).ok().out().contains("backing"));
    }

    @BeforeEach
    void small() {
        create(path("small"), "qcow2", "1M", "");
        create(path("raw"), "raw", "1M", "");
        create(path("over"), "qcow2", "", "small");
        create(path("tiny"), "qcow2,cluster_size=512", "1M", "");
    }

    static Stream<String> refused() {
        String long500 = "x".repeat(500);
        return Stream.of(
                "",
                "OVER",
                "-b SMALL",
                "-b SMALL -F qcow2 OVER SMALL",
                "-b small OVER",
                "-u -b small OVER",
                "-b nowhere -F qcow2 OVER",
                "-b nowhere OVER",
                "-b small -F foo OVER",
                "-u -b small -F foo OVER",
                "-b small -F qcow2 NOWHERE",
                "-f raw -b small -F qcow2 RAW",
                "-f raw -u -b small -F qcow2 RAW",
                "-b small -F qcow2 RAW",
                "-u -b small -F qcow2 RAW",
                "-f qcow2 -b over -F qcow2 OVER",
                "-t foo -b small -F qcow2 OVER",
                "-T foo -b small -F qcow2 OVER",
                "-u -b " + long500 + " -F qcow2 TINY",
                "-u -b " + long500.repeat(3) + " -F qcow2 OVER");
    }

    @ParameterizedTest
    @MethodSource("refused")
    void refusesInQemusWords(String arguments) throws Exception {
        byte[] before = Files.readAllBytes(path("over"));
        List<Object> command = new ArrayList<>(List.of("rebase"));
        for (String word : arguments.isEmpty() ? new String[0] : arguments.split(" ")) {
            boolean file = word.equals(word.toUpperCase(Locale.ROOT)) && word.length() > 2;
            command.add(file ? path(word.toLowerCase(Locale.ROOT)) : word);
        }
        Peers.Result theirs = Peers.qemuImg(command.toArray()).exited(1);
        Peers.Result ours = Cli.asQemuImg(command.toArray()).exited(1);
        assertEquals(theirs.err(), ours.err().replaceAll(" Process \\d+ .*", ""));
        assertEquals(theirs.out(), ours.out());
        assertArrayEquals(before, Files.readAllBytes(path("over")));
    }

    @ParameterizedTest
    @ValueSource(strings = {"-u -b small -F qcow2 -p", "-b small -F qcow2 -q", "-b  -p"})
    void saysWhatQemuSays(String options) {
        List<Object> command = new ArrayList<>(List.of("rebase"));
        command.addAll(List.of((Object[]) options.split(" ")));
        command.add(path("over"));
        Peers.Result theirs = Peers.qemuImg(command.toArray()).ok();
        Peers.Result ours = Cli.asQemuImg(command.toArray()).ok();
        assertEquals(lastStep(theirs.out()), lastStep(ours.out()));
        assertEquals(theirs.err(), ours.err());
    }

    /** How many steps there are is not worth a word. */
    private static String lastStep(String progress) {
        return progress.substring(progress.lastIndexOf("    ") + 1);
    }
}
