package dev.gaur.verify.write;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gaur.cli.Cli;
import dev.gaur.verify.Peers;
import dev.gaur.verify.zoo.Exhibit;
import dev.gaur.verify.zoo.ImageZoo;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What Gaur converts, qemu-img finds in order and equal to the source. */
class ConvertTest {
    private static final int MIB = 1 << 20;

    @TempDir Path folder;

    private Path tree() {
        return ImageZoo.named("tree/raw").path();
    }

    private void isInOrder(Path image) {
        Peers.qemuImg("check", image).ok();
    }

    static Stream<Exhibit> readable() {
        return ImageZoo.all().stream().filter(Exhibit::clean);
    }

    @ParameterizedTest
    @MethodSource("readable")
    void everyImageBecomesARawOneAndAQcow2One(Exhibit exhibit) {
        Path raw = folder.resolve("raw");
        Cli.asQemuImg("convert", "-f", exhibit.format(), exhibit.path(), raw).ok();
        // In its folder: QEMU looks for data files from where it stands.
        Object[] compare = {"compare", "-f", "raw", "-F", exhibit.format(), raw, exhibit.path()};
        Peers.qemuImgIn(exhibit.folder(), compare).ok();
        Path image = folder.resolve("image");
        Cli.asQemuImg("convert", "-f", exhibit.format(), "-O", "qcow2", exhibit.path(), image).ok();
        isInOrder(image);
        Peers.qemuImg("compare", "-f", "raw", "-F", "qcow2", raw, image).ok();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "-o compat=0.10",
                "-o cluster_size=512",
                "-o cluster_size=2M",
                "-o extended_l2=on",
                "-o refcount_bits=1",
                "-o refcount_bits=64,cluster_size=512",
                "-o preallocation=metadata",
                "-o preallocation=falloc,cluster_size=4k",
                "-o preallocation=full,refcount_bits=1",
                "-o preallocation=metadata,extended_l2=on",
                "-o preallocation=falloc,compat=0.10 -S 0",
                "-S 0",
                "-S 64k -m 1",
                "-c",
                "-c -o compat=0.10",
                "-c -o compression_level=1",
                "-c -o compression_level=9",
                "-c -o cluster_size=512",
                "-c -o cluster_size=2M",
                "-c -o refcount_bits=1",
                "-c -o refcount_bits=2,cluster_size=4k",
                "-c -o compression_type=zstd",
                "-c -o compression_type=zstd,cluster_size=2M",
                "-c -o compression_type=zstd,extended_l2=on"
            })
    void aTreeOfFilesSurvivesEveryOption(String options) {
        Path image = folder.resolve("image");
        String command = "convert " + options + " -f raw -O qcow2 " + tree() + " " + image;
        Cli.asQemuImg((Object[]) command.replace("  ", " ").split(" ")).ok();
        isInOrder(image);
        Peers.qemuImg("compare", "-f", "raw", "-F", "qcow2", tree(), image).ok();
        Cli.asQemuImg("compare", "-f", "raw", "-F", "qcow2", tree(), image).ok();
    }

    @ParameterizedTest
    @ValueSource(strings = {"metadata", "falloc", "full"})
    void preallocatesAsQemuImgDoes(String mode) throws IOException {
        Path sparse = folder.resolve("sparse");
        byte[] data = new byte[MIB];
        new Random(ImageZoo.SEED).nextBytes(data);
        Files.write(sparse, data);
        Peers.qemuImg("resize", "-q", "-f", "raw", sparse, "40M").ok();
        Path ours = folder.resolve("ours");
        Path theirs = folder.resolve("theirs");
        String command = "convert -f raw -O qcow2 -o preallocation=" + mode;
        Files.write(ours, data); // What was there must not show through.
        Cli.asQemuImg(with(with(command.split(" "), sparse), ours)).ok();
        Peers.qemuImg(with(with(command.split(" "), sparse), theirs)).ok();
        isInOrder(ours);
        Peers.qemuImg("compare", "-f", "raw", "-F", "qcow2", sparse, ours).ok();
        assertEquals(Files.size(theirs), Files.size(ours));
        long difference = Math.abs(allocated(theirs) - allocated(ours));
        assertTrue(difference < MIB / 2, "differs by " + difference);
        for (Path image : List.of(ours, theirs)) {
            String check = Peers.qemuImg("check", image).text();
            assertTrue(check.contains("640/640 = 100.00% allocated"), check);
        }
    }

    private static long allocated(Path file) {
        return Long.parseLong(Peers.run("stat", "-c", "%b", file).text().strip()) * 512;
    }

    @Test
    void preallocationOverABackingFileHidesItOnlyWhereTheSourceDoes() {
        Path base = folder.resolve("base");
        Path overlay = folder.resolve("overlay");
        Peers.qemuImg("create", "-q", "-f", "qcow2", base, "5M").ok();
        Peers.qemuIo(base, "qcow2", "write -P 1 0 5M").ok();
        String of = "backing_file=base,backing_fmt=qcow2";
        Peers.qemuImg("create", "-q", "-f", "qcow2", "-o", of, overlay, "8M").ok();
        Peers.qemuIo(overlay, "qcow2", "write -P 2 1000k 300k", "write -z 3M 128k").ok();
        Path image = folder.resolve("image");
        String options =
                "convert -O qcow2 -B base -F qcow2 -o preallocation=metadata,extended_l2=on";
        Cli.asQemuImg(with(with(options.split(" "), overlay), image)).ok();
        isInOrder(image);
        Peers.qemuImg("compare", overlay, image).ok();
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "-c "})
    void sevenZipReadsTheSame(String compress) throws IOException {
        Path image = folder.resolve("image.qcow2");
        String command = "convert " + compress + "-f raw -O qcow2 " + tree() + " " + image;
        Cli.asQemuImg((Object[]) command.split(" ")).ok();
        Path out = folder.resolve("out");
        Peers.run("7zz", "x", "-y", "-tqcow", "-o" + out, image).ok();
        try (Stream<Path> files = Files.list(out)) {
            List<Path> all = files.toList();
            assertEquals(1, all.size());
            assertEquals(-1, Files.mismatch(all.getFirst(), tree()));
        }
    }

    @Test
    void severalSourcesAreOneBehindTheOther() throws IOException {
        byte[] first = new byte[3 * MIB + 100];
        new Random(ImageZoo.SEED).nextBytes(first);
        Path one = Files.write(folder.resolve("one"), first);
        Path ours = folder.resolve("ours");
        Path theirs = folder.resolve("theirs");
        Object[] options = {"convert", "-f", "raw", one, one};
        Cli.asQemuImg(with(options, ours)).ok();
        Peers.qemuImg(with(options, theirs)).ok();
        assertEquals(-1, Files.mismatch(ours, theirs), "seed " + ImageZoo.SEED);
    }

    private static Object[] with(Object[] arguments, Object last) {
        return Stream.concat(Stream.of(arguments), Stream.of(last)).toArray();
    }

    @ParameterizedTest
    @ValueSource(strings = {"1.1", "0.10"})
    void overABackingFileOnlyTheTopLayerIsCopied(String compat) {
        Path base = folder.resolve("base");
        Path overlay = folder.resolve("overlay");
        Peers.qemuImg("create", "-q", "-f", "qcow2", base, "5M").ok();
        Peers.qemuIo(base, "qcow2", "write -P 1 0 5M").ok();
        String of = "compat=1.1,backing_file=base,backing_fmt=qcow2";
        Peers.qemuImg("create", "-q", "-f", "qcow2", "-o", of, overlay, "8M").ok();
        Peers.qemuIo(overlay, "qcow2", "write -P 2 1000k 300k", "write -z 3M 128k").ok();
        Path image = folder.resolve("image");
        String options = "convert -O qcow2 -B base -F qcow2 -o compat=" + compat;
        Cli.asQemuImg(with(with(options.split(" "), overlay), image)).ok();
        isInOrder(image);
        Peers.qemuImg("compare", overlay, image).ok();
        Path theirs = folder.resolve("theirs");
        Peers.qemuImg(with(with(options.split(" "), overlay), theirs)).ok();
        assertEquals(
                data(Peers.qemuImg("map", "--output=json", theirs).text()),
                data(Peers.qemuImg("map", "--output=json", image).text()));
    }

    /** The map without places in the file, which need not be the same. */
    private static String data(String map) {
        return map.replaceAll(", \"offset\": \\d+", "");
    }

    @Test
    void anInternalSnapshotIsASource() {
        Exhibit exhibit = ImageZoo.named("snapshots/64k");
        for (String id : exhibit.snapshots()) {
            Path ours = folder.resolve("ours" + id);
            Path theirs = folder.resolve("theirs" + id);
            Object[] options = {"convert", "-l", id, exhibit.path()};
            Cli.asQemuImg(with(options, ours)).ok();
            Peers.qemuImg(with(options, theirs)).ok();
            Peers.qemuImg("compare", "-f", "raw", "-F", "raw", ours, theirs).ok();
        }
    }

    @Test
    void anExistingTargetIsWrittenInto() throws IOException {
        Path target = folder.resolve("target");
        byte[] old = new byte[(int) Files.size(tree()) + 512];
        new Random(1).nextBytes(old);
        Files.write(target, old);
        Cli.asQemuImg("convert", "-n", "-f", "raw", "-O", "raw", tree(), target).ok();
        byte[] tail = Files.readAllBytes(target);
        assertEquals(old[old.length - 1], tail[old.length - 1]);
        Peers.run("cmp", "-n", Files.size(tree()), tree(), target).ok();
        Path image = folder.resolve("image");
        Peers.qemuImg("create", "-q", "-f", "qcow2", "-o", "cluster_size=4k", image, "1G").ok();
        Cli.asQemuImg("convert", "-n", "-f", "raw", "-O", "qcow2", tree(), image).ok();
        isInOrder(image);
        Peers.qemuImg("compare", "-f", "raw", "-F", "qcow2", tree(), image).ok();
        Cli.asQemuImg("convert", "-n", "-f", "raw", "-O", "raw", target, tree()).exited(1);
    }

    @Test
    void aNameTellsTheFormatUnderOurOwnName() {
        Path image = folder.resolve("image.qcow2");
        Cli.gaur("convert", "-f", "raw", tree(), image).ok();
        isInOrder(image);
        Path raw = folder.resolve("raw.qcow2");
        Cli.asQemuImg("convert", "-f", "raw", tree(), raw).ok();
        assertEquals(-1, mismatch(raw, tree()));
    }

    private static long mismatch(Path one, Path other) {
        try {
            return Files.mismatch(one, other);
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    @Test
    void aDamagedSourceLeavesNoTargetAndIsNotTouched() throws IOException {
        Path image = folder.resolve("image");
        Peers.qemuImg("convert", "-f", "raw", "-O", "qcow2", tree(), image).ok();
        byte[] whole = Files.readAllBytes(image);
        byte[] cut = Arrays.copyOf(whole, whole.length / 2);
        Files.write(image, cut);
        Path target = folder.resolve("target");
        var ours = Cli.asQemuImg("convert", "-f", "qcow2", image, target).exited(1);
        assertTrue(ours.err().contains("truncated"), ours.err());
        assertFalse(Files.exists(target));
        assertArrayEquals(cut, Files.readAllBytes(image));
        try (Stream<Path> files = Files.list(folder)) {
            assertEquals(List.of(image), files.toList());
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "convert SOURCE",
                "convert -O foo SOURCE TARGET",
                "convert -S 100 SOURCE TARGET",
                "convert -m 17 SOURCE TARGET",
                "convert -c -O raw SOURCE TARGET",
                "convert -n SOURCE TARGET",
                "convert --target-is-zero SOURCE TARGET",
                "convert -B x -O qcow2 SOURCE TARGET",
                "convert -B x -F raw -O raw SOURCE TARGET",
                "convert -o preallocation=metadata -c -O qcow2 SOURCE TARGET",
                "convert -C -c -O qcow2 SOURCE TARGET",
                "convert -C -S 4k SOURCE TARGET",
                "convert -C --salvage SOURCE TARGET",
                "convert -C --salvage -S 4k -O qcow2 SOURCE TARGET",
                "convert -r 1x SOURCE TARGET",
                "convert -o foo=8M -O qcow2 SOURCE TARGET",
                "convert -o cluster_size=1000 -O qcow2 SOURCE TARGET",
                "convert -O qcow2 SOURCE NOWHERE/target",
                "convert none TARGET"
            })
    void refusesInQemusWords(String arguments) {
        Object[] command =
                arguments
                        .replace("SOURCE", tree().toString())
                        .replace("TARGET", folder.resolve("target").toString())
                        .replace("NOWHERE", folder.resolve("nowhere").toString())
                        .split(" ");
        var theirs = Peers.qemuImg(command).exited(1);
        var ours = Cli.asQemuImg(command).exited(1);
        assertEquals(theirs.err().lines().findFirst(), ours.err().lines().findFirst());
    }
}
