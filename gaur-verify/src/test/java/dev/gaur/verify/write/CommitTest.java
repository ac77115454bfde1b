package dev.gaur.verify.write;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gaur.cli.Cli;
import dev.gaur.verify.Peers;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What {@code gaur commit} brings to a backing file is what qemu-img brings there. */
class CommitTest {
    @TempDir Path folder;

    private Path path(String name) {
        return folder.resolve(name);
    }

    private void io(String name, String... commands) {
        Peers.qemuIo(path(name), RebaseTest.formatOf(path(name)), commands).ok();
    }

    private void makeChain(String overlay, String base) {
        makeChain(overlay, base, "7M");
    }

    private void makeChain(String overlay, String base, String middle) {
        RebaseTest.create(path("base"), base, "9M", "");
        io("base", "write -P 1 0 3M", "write -P 9 4900k 3000k");
        RebaseTest.create(path("middle"), "qcow2", middle, "base");
        io("middle", "write -P 7 5M 100k", "write -z 6M 500k");
        RebaseTest.create(path("top"), overlay, "8M", "middle");
        io("top", "write -P 2 70k 130k", "write -z 1M 200k", "write -P 3 6M 10k");
        io("top", "write -c -P 4 4M " + RebaseTest.compressed(overlay), "write -P 5 7900k 80k");
    }

    private Path copyOf(String name, String copy) throws IOException {
        return Files.copy(path(name), path(copy));
    }

    private void same(String one, String other) {
        Object[] formats = {RebaseTest.formatOf(path(one)), RebaseTest.formatOf(path(other))};
        Peers.qemuImg("compare", "-f", formats[0], "-F", formats[1], path(one), path(other)).ok();
    }

    private void isSound(String name) {
        if (RebaseTest.formatOf(path(name)).equals("qcow2")) {
            Peers.qemuImg("check", path(name)).ok();
        }
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "qcow2 | qcow2",
                "qcow2 | raw",
                "qcow2,cluster_size=4k | qcow2,cluster_size=512",
                "qcow2,cluster_size=4k | qcow2,cluster_size=2M",
                "qcow2,cluster_size=2M | qcow2,extended_l2=on",
                "qcow2,compat=0.10 | qcow2,compat=0.10",
                "qcow2,extended_l2=on | raw",
                "qcow2,extended_l2=on,cluster_size=16k | qcow2",
                "qcow2,compression_type=zstd | qcow2,compression_type=zstd",
                "qcow2,lazy_refcounts=on | qcow2,lazy_refcounts=on",
                "qcow2,refcount_bits=1 | qcow2,refcount_bits=64"
            })
    void theBaseReadsAsTheTopDid(String overlay, String base) throws IOException {
        makeChain(overlay, base);
        Peers.qemuImg("convert", "-O", "raw", path("top"), path("want")).ok();
        Files.createDirectory(path("theirs"));
        for (String each : List.of("top", "middle", "base")) {
            copyOf(each, "theirs/" + each);
        }
        Cli.asQemuImg("commit", "-b", "base", path("top")).ok();
        Peers.qemuImg("commit", "-b", "base", path("theirs/top")).ok();
        same("base", "theirs/base");
        same("want", "top");
        isSound("base");
        isSound("top");
        io("base", "write -P 8 100k 2M"); // It takes QEMU's writes.
        isSound("base");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "qcow2",
                "qcow2,cluster_size=4k",
                "qcow2,compat=0.10",
                "qcow2,extended_l2=on"
            })
    void theTopIsEmptyAfterwards(String overlay) throws IOException {
        RebaseTest.create(path("base"), "raw", "5M", "");
        io("base", "write -P 1 0 3M");
        RebaseTest.create(path("top"), overlay, "8M", "base"); // So the base has to grow.
        io("top", "write -P 2 70k 3M", "write -z 1M 200k", "write -c -P 4 4M 64k");
        Peers.qemuImg("convert", "-O", "raw", path("top"), path("want")).ok();
        Files.createDirectory(path("theirs"));
        copyOf("top", "theirs/top");
        copyOf("base", "theirs/base");
        Peers.Result ours = Cli.asQemuImg("commit", path("top")).ok();
        Peers.Result theirs = Peers.qemuImg("commit", path("theirs/top")).ok();
        assertEquals(theirs.out() + theirs.err(), ours.out() + ours.err());
        same("want", "top");
        same("want", "base");
        isSound("top");
        assertEquals(-1, Files.mismatch(path("base"), path("theirs/base")));
        assertTrue(Files.size(path("top")) <= Files.size(path("theirs/top")));
        String map = Peers.qemuImg("map", "--output=json", path("top")).ok().out();
        assertTrue(!map.contains("\"depth\": 0"), map);
        io("top", "write -P 6 1M 2M");
        isSound("top");
    }

    /** What the larger base has behind its old end reads as the top, not as the base's own base. */
    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "qcow2 | qcow2 | 7M",
                "qcow2 | qcow2 | 6500k",
                "qcow2,cluster_size=4k | qcow2,cluster_size=512 | 7M",
                "qcow2,cluster_size=4k | qcow2,cluster_size=2M | 6500k",
                "qcow2,cluster_size=2M | qcow2,extended_l2=on | 6500k",
                "qcow2,extended_l2=on | qcow2,lazy_refcounts=on | 7M",
                "qcow2 | qcow2,refcount_bits=1 | 7M",
                "qcow2,compat=0.10 | qcow2,compat=0.10 | 7M",
                "qcow2 | qcow2,data_file=FOLDER/data | 7M"
            })
    void aQcow2BaseGrowsAsQemusDoes(String overlay, String middle, String size) throws IOException {
        RebaseTest.create(path("base"), "qcow2", "9M", "");
        io("base", "write -P 1 0 3M", "write -P 9 4900k 4000k");
        String kind = middle.replace("FOLDER", folder.toString());
        RebaseTest.create(path("middle"), kind, size, "base");
        io("middle", "write -P 7 5M 100k", "write -z 6M 300k");
        RebaseTest.create(path("top"), overlay, "8M", "middle");
        io("top", "write -P 2 70k 130k", "write -z 1M 200k", "write -P 5 7900k 80k");
        Peers.qemuImg("convert", "-O", "raw", path("top"), path("want")).ok();
        List<String> files = List.of("top", "middle", "base");
        Files.createDirectory(path("ours"));
        for (String each : files) {
            copyOf(each, "ours/" + each);
        }
        Path data = path("data");
        boolean hasData = Files.exists(data);
        byte[] before = hasData ? Files.readAllBytes(data) : new byte[0];
        Peers.Result theirs = Peers.qemuImg("commit", path("top"));
        if (hasData) {
            Files.write(data, before); // Both have the same one.
        }
        Peers.Result ours = Cli.asQemuImg("commit", path("ours/top"));
        assertEquals(theirs.status(), ours.status(), theirs + "\n" + ours);
        assertEquals(theirs.out(), ours.out());
        if (ours.status() == 0) {
            same("want", "ours/middle");
        }
        same("want", "ours/top");
        isSound("ours/middle");
        isSound("ours/top");
        Cli.gaur("check", path("ours/middle")).ok();
        if (ours.status() == 0) {
            io("ours/middle", "write -P 8 6900k 1M", "write -P 8 7990k 10k"); // QEMU goes on.
            isSound("ours/middle");
        }
    }

    @Test
    void aSnapshotOfTheTopStaysWhatItIs() {
        makeChain("qcow2", "qcow2", "8M");
        Peers.qemuImg("snapshot", "-c", "one", path("top")).ok();
        io("top", "write -P 11 1M 3M", "write -P 12 7M 100k", "write -c -P 13 5M 64k");
        Peers.qemuImg("convert", "-O", "raw", path("top"), path("want")).ok();
        Peers.qemuImg("rebase", "-b", "", path("middle")).ok(); // What the snapshot reads below
        Cli.asQemuImg("commit", path("top")).ok();
        same("want", "top");
        same("want", "middle");
        isSound("top");
        isSound("middle");
        Peers.qemuImg("snapshot", "-a", "one", path("top")).ok();
        isSound("top");
        Peers.qemuIo(path("top"), "qcow2", "read -P 2 70k 130k", "read -P 4 4M 64k").ok();
    }

    @Test
    void theTopIsLeftAloneIfItIsToBeDropped() throws IOException {
        makeChain("qcow2", "qcow2", "8M");
        byte[] before = Files.readAllBytes(path("top"));
        Cli.asQemuImg("commit", "-d", "-r", "100M", path("top")).ok();
        assertArrayEquals(before, Files.readAllBytes(path("top")));
        same("top", "middle");
    }

    @Test
    void aBaseThatSomebodyWritesIsLeftAlone() throws Exception {
        makeChain("qcow2", "qcow2");
        Process reader =
                new ProcessBuilder("qemu-io", "-r", "-f", "qcow2", path("middle").toString())
                        .redirectErrorStream(true)
                        .start();
        try {
            byte[] prompt = reader.getInputStream().readNBytes("qemu-io> ".length());
            assertEquals("qemu-io> ", new String(prompt, StandardCharsets.UTF_8));
            byte[] before = Files.readAllBytes(path("middle"));
            Peers.Result theirs = Peers.qemuImg("commit", path("top")).exited(1);
            Peers.Result ours = Cli.asQemuImg("commit", path("top")).exited(1);
            assertEquals(theirs.err(), ours.err().replaceAll(" Process \\d+ .*", ""));
            assertArrayEquals(before, Files.readAllBytes(path("middle")));
        } finally {
            reader.destroyForcibly().waitFor();
        }
    }

    @BeforeEach
    void small() {
        RebaseTest.create(path("small"), "qcow2", "1M", "");
        RebaseTest.create(path("raw"), "raw", "1M", "");
        RebaseTest.create(path("over"), "qcow2", "", "small");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "NOWHERE",
                "SMALL OVER",
                "SMALL",
                "-f raw RAW",
                "RAW",
                "-b nowhere OVER",
                "-b over OVER",
                "-t foo OVER",
                "-r 1x OVER"
            })
    void refusesInQemusWords(String arguments) {
        List<Object> command = new ArrayList<>(List.of("commit"));
        for (String word : arguments.isEmpty() ? new String[0] : arguments.split(" ")) {
            boolean file = word.equals(word.toUpperCase(Locale.ROOT)) && word.length() > 2;
            command.add(file ? path(word.toLowerCase(Locale.ROOT)) : word);
        }
        Peers.Result theirs = Peers.qemuImg(command.toArray()).exited(1);
        Peers.Result ours = Cli.asQemuImg(command.toArray()).exited(1);
        assertEquals(theirs.err(), ours.err());
    }

    @ParameterizedTest
    @ValueSource(strings = {"-p", "-q", "-d -p", "-b small", "-t writethrough"})
    void saysWhatQemuSays(String options) {
        List<Object> command = new ArrayList<>(List.of("commit"));
        command.addAll(List.of((Object[]) options.split(" ")));
        command.add(path("over"));
        Peers.Result theirs = Peers.qemuImg(command.toArray()).ok();
        Peers.Result ours = Cli.asQemuImg(command.toArray()).ok();
        assertEquals(lastStep(theirs.out()), lastStep(ours.out()));
        assertEquals(theirs.err(), ours.err());
    }

    private static String lastStep(String progress) {
        return progress.substring(progress.lastIndexOf("    ") + 1);
    }
}
