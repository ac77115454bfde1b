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

    /** Where the source leaves it to its backing file, the target does, too: to another one. */
    @ParameterizedTest
    @ValueSource(strings = {"", "-c ", "-S 0 ", "-S 64k "})
    void overABackingFileOnlyWhatTheSourceHasIsCopied(String options) throws IOException {
        for (String each : List.of("one", "two")) {
            Peers.qemuImgIn(folder, "create", "-q", "-f", "raw", each, "3M").ok();
            Peers.qemuIo(path(each), "raw", "write -P " + each.length() + " 0 2M").ok();
        }
        Peers.qemuIo(path("two"), "raw", "write -P 9 0 3M").ok();
        Object[] source = {
            "create", "-q", "-f", "qcow2", "-o", "cluster_size=4k", "-b", "one", "-F", "raw", "src"
        };
        Peers.qemuImgIn(folder, source).ok();
        Peers.qemuIo(
                        path("src"),
                        "qcow2",
                        "write -P 1 100k 70k",
                        "write -z 300k 200k",
                        "write -P 2 1M 1M",
                        "write -z 2560k 12k")
                .ok();
        for (String each : List.of("theirs", "ours")) {
            Object[] target = {"create", "-q", "-f", "qcow2", "-b", "two", "-F", "raw", each, "4M"};
            Peers.qemuImgIn(folder, target).ok();
            Peers.qemuIo(path(each), "qcow2", "write -P 5 400k 900k", "write -P 6 2M 1M").ok();
        }
        String line = "convert -n " + options + "-B two -F raw -f qcow2 -O qcow2 ";
        Peers.Result theirs = Peers.qemuImgIn(folder, words(line + "src theirs"));
        Peers.Result ours = Cli.asQemuImg(words(line + path("src") + " " + path("ours")));
        if (!options.equals("-c ")) { // QEMU does not compress over what is there.
            assertEquals(theirs.ok().err(), ours.ok().err());
            Peers.qemuImgIn(folder, "compare", "theirs", "ours").ok();
        }
        Peers.qemuImgIn(folder, "check", "ours").ok();
    }

    @ParameterizedTest
    @ValueSource(strings = {"", ",cluster_size=4k", ",extended_l2=on", ",lazy_refcounts=on"})
    void dataMayLieInAnotherFileOverABackingFile(String more) throws IOException {
        Peers.qemuImgIn(folder, words("create -q -f qcow2 base 5M")).ok();
        Peers.qemuIo(path("base"), "qcow2", "write -P 1 0 3M", "write -P 1 4M 1M").ok();
        Peers.qemuImgIn(folder, words("create -q -f qcow2 -b base -F qcow2 src 4200448")).ok();
        Peers.qemuIo(path("src"), "qcow2", "write -P 2 90k 300k", "write -z 1M 300k").ok();
        Files.write(path("data"), new byte[] {1, 2, 3}); // What was there is gone.
        String line = "convert -B base -F qcow2 -O qcow2 -o data_file=data" + more + " ";
        Peers.qemuImgIn(folder, words(line + "src theirs")).ok();
        String theirs = Peers.qemuImgIn(folder, words("map theirs")).ok().out();
        Cli.asQemuImg(words(line + path("src") + " " + path("ours"))).ok();
        Peers.qemuImgIn(folder, words("compare src ours")).ok();
        Peers.qemuImgIn(folder, words("check ours")).ok();
        String ours = Peers.qemuImgIn(folder, words("map ours")).ok().out();
        if (!more.contains("extended_l2")) { // Ours has whole clusters then.
            assertEquals(theirs.replace("theirs", ""), ours.replace("ours", ""));
        }
    }

    private static Object[] words(String line) {
        return line.split(" ");
    }

    /** The target as a list of driver options: the same words, exit codes and disks as QEMU's. */
    @ParameterizedTest
    @ValueSource(
            strings = {
                "--target-image-opts @src driver=qcow2,file.filename=@to",
                "-n --target-image-opts -O qcow2 @src driver=qcow2,file.filename=@to",
                "-n --target-image-opts @src driver=qcow2,file.filename=@to",
                "-n --target-image-opts @src driver=qcow2,file.driver=file,file.filename=@to",
                "-n --target-image-opts @src driver=qcow2,file.driver=file,file.filename=@no",
                "-n --target-image-opts @src driver=wrong,file.filename=@to",
                "-n --target-image-opts @src file.filename=@to",
                "-n --target-image-opts @src @to",
                "-n --target-image-opts @src driver=qcow2",
                "-n --target-image-opts @src driver=qcow2,foo=bar,file.filename=@to",
                "-n --target-image-opts @src driver=raw,file.filename=@raw",
                "-n --target-image-opts @src driver=raw,offset=65536,file.filename=@raw",
                "-n --target-image-opts @src driver=raw,offset=1M,size=2M,file.filename=@raw",
                "-n --target-image-opts @src driver=raw,read-only=on,file.filename=@raw",
                "-n --target-image-opts @src file.filename=@raw",
                "-n --target-image-opts @src driver=null-co",
                "-n --target-image-opts -c @src driver=qcow2,file.filename=@to",
                "-n --target-image-opts -c @src driver=raw,file.filename=@raw",
                "-n --target-image-opts -o size=1 @src driver=raw,file.filename=@raw",
                "-n --target-image-opts -t none @src driver=qcow2,file.filename=@to",
                "-n --target-image-opts --bitmaps @src driver=raw,file.filename=@raw",
                "-n --target-image-opts --bitmaps @src driver=qcow2,file.filename=@to",
                "-n --target-image-opts --image-opts driver=qcow2,file.filename=@src"
                        + " driver=qcow2,file.filename=@to",
                "-n -O qcow2 @src json:{\"driver\":\"qcow2\",\"file.filename\":\"@to\"}",
                "-n -O raw @src json:{\"driver\":\"qcow2\",\"file.filename\":\"@to\"}",
                "-n @src json:{\"file.filename\":\"@to\"}",
                "-O qcow2 @src json:{\"driver\":\"qcow2\",\"file.filename\":\"@to\"}"
            })
    void targetsGivenAsOptionsMeanWhatTheyMeanToQemu(String line) throws IOException {
        Path theirs = Files.createDirectory(path("theirs"));
        Path ours = Files.createDirectory(path("ours"));
        for (Path each : List.of(theirs, ours)) {
            Peers.qemuImgIn(each, words("create -q -f qcow2 src 2M")).ok();
            Peers.qemuIo(each.resolve("src"), "qcow2", "write -P 3 100k 1M").ok();
            Peers.qemuImgIn(each, words("bitmap --add src b")).ok();
            Peers.qemuImgIn(each, words("create -q -f qcow2 to 3M")).ok();
            Peers.qemuImgIn(each, words("create -q -f raw raw 3M")).ok();
        }
        Peers.Result expected = Peers.qemuImgIn(theirs, words("convert " + at(line, "")));
        Peers.Result actual = Cli.asQemuImg(words("convert " + at(line, ours + "/")));
        String said = actual.out() + actual.err() + actual.status();
        assertEquals(
                expected.out() + expected.err() + expected.status(),
                said.replace(ours + "/", ""),
                line);
        for (String image : List.of("to", "raw")) {
            Peers.qemuImg("compare", theirs.resolve(image), ours.resolve(image)).ok();
        }
        assertEquals(bitmaps(theirs), bitmaps(ours));
    }

    private static String at(String line, String folder) {
        return line.replace("@", folder);
    }

    private static boolean bitmaps(Path folder) {
        return Peers.qemuImgIn(folder, "info", "to").ok().out().contains("name: b");
    }
}
