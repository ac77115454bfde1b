package dev.gaur.verify.write;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gaur.cli.Cli;
import dev.gaur.verify.Peers;
import dev.gaur.verify.zoo.ImageZoo;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * {@code gaur convert} into images that are there, with whatever they hold, and into data files.
 */
class ConvertIntoTest {
    @TempDir Path folder;

    private Path tree() {
        return ImageZoo.named("tree/raw").path();
    }

    private Path path(String name) {
        return folder.resolve(name);
    }

    private void isTheTree(Path image) {
        Peers.qemuImg("check", image).ok();
        Peers.qemuImg("compare", "-f", "raw", "-F", "qcow2", tree(), image).ok();
    }

    /** Makes a target with data, compressed clusters, zeros and perhaps a backing file. */
    private Path target(String options, String backing) throws IOException {
        long size = (Files.size(tree()) + 511) & -512;
        Path image = path("target");
        List<Object> command = new ArrayList<>(List.of("create", "-q", "-f", "qcow2"));
        if (!options.isEmpty()) {
            command.addAll(List.of("-o", options));
        }
        if (!backing.isEmpty()) {
            Peers.qemuImg("create", "-q", "-f", "raw", path(backing), "3M").ok();
            Peers.qemuIo(path(backing), "raw", "write -P 7 0 3M").ok();
            command.addAll(List.of("-b", backing, "-F", "raw"));
        }
        command.add(image);
        command.add(size);
        Peers.qemuImg(command.toArray()).ok();
        Peers.qemuIo(image, "qcow2", "write -P 1 100k 2M", "write -z 1M 500k").ok();
        return image;
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "'' | ''",
                "cluster_size=512 | ''",
                "cluster_size=2M | base",
                "compat=0.10 | ''",
                "compat=0.10,cluster_size=4k | base",
                "extended_l2=on | base",
                "compression_type=zstd | base",
                "lazy_refcounts=on | base",
                "preallocation=metadata | ''"
            })
    void whatTheTargetHadIsGone(String options, String backing) throws IOException {
        for (String compress : List.of("", "-c")) {
            Path image = target(options, backing);
            String command = "convert -n " + compress + " -f raw -O qcow2 " + tree() + " " + image;
            Cli.asQemuImg((Object[]) command.replace("  ", " ").split(" ")).ok();
            isTheTree(image);
            Cli.asQemuImg((Object[]) command.replace("  ", " ").split(" ")).ok();
            isTheTree(image);
            Files.delete(image);
        }
    }

    @Test
    void aSnapshotOfTheTargetStaysWhatItIs() throws IOException {
        Path image = target("", "");
        Peers.qemuImg("snapshot", "-c", "one", image).ok();
        Peers.qemuImg("convert", "-l", "one", "-O", "raw", image, path("before")).ok();
        Cli.asQemuImg("convert", "-n", "-f", "raw", "-O", "qcow2", tree(), image).ok();
        isTheTree(image);
        Peers.qemuImg("convert", "-l", "one", "-O", "raw", image, path("after")).ok();
        assertEquals(-1, Files.mismatch(path("before"), path("after")));
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "-c "})
    void aTargetThatIsZeroGetsNoZeros(String compress) throws IOException {
        Path image = path("target");
        Peers.qemuImg("create", "-q", "-f", "qcow2", image, Files.size(tree())).ok();
        String options = "convert -n --target-is-zero " + compress + "-f raw -O qcow2 ";
        Cli.asQemuImg((Object[]) (options + tree() + " " + image).split(" ")).ok();
        isTheTree(image);
        long size = Files.size(image);
        Path plain = path("plain");
        Peers.qemuImg("convert", "-f", "raw", "-O", "qcow2", tree(), plain).ok();
        assertTrue(size <= Files.size(plain), size + " bytes");
    }

    @ParameterizedTest
    @ValueSource(strings = {"", ",data_file_raw=on", ",preallocation=metadata", ",cluster_size=4k"})
    void dataMayLieInAnotherFile(String more) throws IOException {
        Path image = path("image");
        String options = "data_file=" + path("data") + more;
        for (int round = 0; round < 2; round++) {
            Cli.asQemuImg("convert", "-f", "raw", "-O", "qcow2", "-o", options, tree(), image).ok();
            isTheTree(image);
        }
        if (more.contains("raw")) {
            Peers.qemuImg("compare", "-f", "raw", "-F", "raw", tree(), path("data")).ok();
        }
        Cli.asQemuImg("convert", "-n", "-f", "raw", "-O", "qcow2", tree(), image).ok();
        isTheTree(image);
        Object[] compress = {"convert", "-c", "-O", "qcow2", "-o", options, tree(), image};
        Cli.asQemuImg(compress).exited(1);
    }

    @Test
    void aTargetThatIsTooSmallIsNotTouched() throws IOException {
        Path image = path("image");
        Peers.qemuImg("create", "-q", "-f", "qcow2", image, "1M").ok();
        byte[] before = Files.readAllBytes(image);
        Object[] command = {"convert", "-n", "-f", "raw", "-O", "qcow2", tree(), image};
        Peers.Result theirs = Peers.qemuImg(command).exited(1);
        Peers.Result ours = Cli.asQemuImg(command).exited(1);
        assertEquals(theirs.err(), ours.err());
        assertEquals(-1, Arrays.mismatch(before, Files.readAllBytes(image)));
    }
}
