package dev.gaur.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.gaur.verify.Peers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The area for VM state behind a disk ({@code io read -b, write -b}) is where QEMU has it. */
class VmStateOracleTest {
    private static final List<String> SCRIPT =
            List.of(
                    "write -b -P 7 0 64k",
                    "read -b -P 7 0 64k",
                    "read -b 1G 64k",
                    "read -b -P 7 0 65k",
                    "read -b -P 7 1k 66k",
                    "read 0 64k",
                    "write -P 6 512k 512k",
                    "write -b -P 3 512 512",
                    "read -b -P 3 512 512",
                    "length",
                    "write -b 8G 64k",
                    "read -b 1E 1k",
                    "read -b 8191P 1k",
                    "write -b -z 0 4k",
                    "write -b -c 0 64k",
                    "write -b -f 0 64k",
                    "write -b -P 1 3 10",
                    "write -b -P 9 100k 1M",
                    "read -b -P 9 100k 1M",
                    "read -P 6 512k 512k",
                    "map");

    @TempDir Path folder;

    private static String all(Peers.Result result) {
        return IoOracleTest.withoutTimes(result.out()) + result.err() + result.status();
    }

    private Peers.Result theirs(String image, List<String> script) {
        List<Object> words = new ArrayList<>();
        script.forEach(line -> words.addAll(List.of("-c", line)));
        words.add(folder.resolve(image));
        return Peers.run("qemu-io", words.toArray());
    }

    private Peers.Result ours(String image, List<String> script) {
        List<Object> words = new ArrayList<>();
        script.forEach(line -> words.addAll(List.of("-c", line)));
        words.add(folder.resolve(image));
        return Cli.asQemuIo("", words.toArray());
    }

    private void isSound(String image) {
        Peers.qemuImg("check", folder.resolve(image)).ok();
        Cli.gaur("check", folder.resolve(image)).ok();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "lazy_refcounts=off",
                "cluster_size=512",
                "cluster_size=4k",
                "cluster_size=2M",
                "extended_l2=on",
                "compat=0.10",
                "refcount_bits=1",
                "lazy_refcounts=on",
                "preallocation=metadata"
            })
    void scriptsDoWhatQemusDo(String options) {
        for (String image : List.of("theirs", "ours")) {
            Path file = folder.resolve(image);
            Peers.qemuImg("create", "-q", "-f", "qcow2", "-o", options, file, "1M").ok();
        }
        assertEquals(all(theirs("theirs", SCRIPT)), all(ours("ours", SCRIPT)));
        isSound("ours");
        // Each reads, and writes on, what the other wrote.
        List<String> more =
                List.of(
                        "read -b -P 9 100k 1M",
                        "read -b -P 0xcd 0 64k",
                        "write -b -P 2 60k 100k",
                        "read -b -P 2 60k 100k",
                        "read -P 6 512k 512k");
        assertEquals(all(theirs("ours", more)), all(ours("theirs", more)));
        isSound("ours");
        isSound("theirs");
    }

    /** With small clusters QEMU 7.2 loses count, and writes somewhere. */
    @Test
    void whatNoTableCanReachIsRefused() {
        Path image = folder.resolve("image");
        Peers.qemuImg("create", "-q", "-f", "qcow2", image, "1M").ok();
        List<String> script = List.of("write -b 1E 64k", "write -b 3P 1k", "write -b 2P 1k");
        assertEquals(all(theirs("image", script)), all(ours("image", script)));
        isSound("image");
    }

    @Test
    void stateIsSavedWithASnapshotAndDroppedByResizing() {
        Path image = folder.resolve("image");
        Peers.qemuImg("create", "-q", "-f", "qcow2", image, "1M").ok();
        ours("image", List.of("write -b -P 1 0 300k", "write -P 5 0 1M"));
        Cli.gaur("snapshot", "-c", "one", image).ok();
        ours("image", List.of("write -b -P 2 100k 300k"));
        isSound("image");
        Cli.gaur("resize", image, "2G").ok();
        assertEquals(0, theirs("image", List.of("read -b -P 0 0 400k", "read -P 5 0 1M")).status());
        isSound("image");
        Cli.gaur("snapshot", "-a", "one", image).ok();
        assertEquals(0, theirs("image", List.of("read -b -P 1 0 300k", "read -P 5 0 1M")).status());
        isSound("image");
        Cli.gaur("snapshot", "-d", "one", image).ok();
        assertEquals(0, ours("image", List.of("read -b -P 1 0 300k", "write -b 8k 8k")).status());
        isSound("image");
    }

    @Test
    void whatHasNoneRefusesAsQemuDoes() throws Exception {
        Files.write(folder.resolve("raw"), new byte[1 << 20]);
        List<String> script = List.of("write -b 0 64k", "read -b 0 64k");
        for (String options : List.of("-f raw", "-r -f raw")) {
            List<Object> words = new ArrayList<>(List.of((Object[]) options.split(" ")));
            script.forEach(line -> words.addAll(List.of("-c", line)));
            words.add(folder.resolve("raw"));
            Peers.Result expected = Peers.run("qemu-io", words.toArray());
            assertEquals(all(expected), all(Cli.asQemuIo("", words.toArray())));
        }
    }

    @Test
    void anOverlayDoesNotSeeItsBackingFileThere() {
        Path base = folder.resolve("base");
        Path over = folder.resolve("over");
        Peers.qemuImg("create", "-q", "-f", "raw", base, "1G").ok();
        Peers.qemuIo(base, "raw", "write -P 3 512M 10M").ok();
        Object[] create = {"create", "-q", "-f", "qcow2", "-b", base, "-F", "raw", over, "1M"};
        Peers.qemuImg(create).ok();
        List<String> script = List.of("read -b -P 0 0 1M", "write -b -P 4 1k 1k");
        assertEquals(0, ours("over", script).status());
        assertEquals(0, ours("over", List.of("read -b -P 0 2k 100k")).status());
        isSound("over");
    }
}
