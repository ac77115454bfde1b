package dev.gaur.verify.oracle;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gaur.cli.Cli;
import dev.gaur.verify.Peers;
import dev.gaur.verify.zoo.Exhibit;
import dev.gaur.verify.zoo.ImageZoo;
import dev.gaur.verify.zoo.Peer;
import dev.gaur.verify.zoo.Script;
import dev.gaur.verify.zoo.Shape;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** What Gaur creates and converts: QEMU finds no error and no leak in it, and the same content. */
class WritesForOthersTest {
    /** Options of convert; each exhibit gets some of them in turn, the long run all. */
    private static final List<List<String>> TARGETS =
            List.of(
                    List.of("-O", "raw"),
                    List.of("-O", "qcow2"),
                    List.of("-O", "qcow2", "-c"),
                    List.of("-O", "qcow2", "-o", "compat=0.10"),
                    List.of("-O", "qcow2", "-o", "cluster_size=512"),
                    List.of("-O", "qcow2", "-c", "-o", "compression_type=zstd"),
                    List.of("-O", "qcow2", "-o", "cluster_size=2M"),
                    List.of("-O", "qcow2", "-c", "-o", "cluster_size=512"),
                    List.of("-O", "qcow2", "-o", "refcount_bits=1"),
                    List.of("-O", "qcow2", "-c", "-o", "refcount_bits=1,cluster_size=4k"),
                    List.of("-O", "qcow2", "-o", "refcount_bits=64,cluster_size=1k"),
                    List.of("-O", "raw", "-S", "0"),
                    List.of("-O", "qcow2", "-o", "extended_l2=on"),
                    List.of("-O", "qcow2", "-c", "-o", "extended_l2=on,cluster_size=16k"),
                    List.of("-O", "qcow2", "-o", "preallocation=metadata"),
                    List.of("-O", "qcow2", "-o", "preallocation=falloc,lazy_refcounts=on"),
                    List.of("-O", "qcow2", "-o", "preallocation=full,cluster_size=4k"),
                    List.of("-O", "qcow2", "-c", "-o", "compat=0.10,cluster_size=2M"),
                    List.of("-O", "qcow2", "-S", "64k", "-m", "1"),
                    List.of("-O", "qcow2", "-c", "-W", "-m", "4"));

    static Stream<Arguments> conversions() {
        List<Exhibit> exhibits =
                ImageZoo.all().stream().filter(WritesForOthersTest::isSmall).toList();
        int each = ImageZoo.LONG ? TARGETS.size() : 2;
        return IntStream.range(0, exhibits.size())
                .boxed()
                .flatMap(
                        i ->
                                IntStream.range(0, each)
                                        .mapToObj(
                                                k ->
                                                        Arguments.of(
                                                                exhibits.get(i),
                                                                target(i * 2 + k))));
    }

    private static boolean isSmall(Exhibit exhibit) {
        return !exhibit.name().startsWith("size/1T") && !exhibit.name().startsWith("size/12T");
    }

    private static List<String> target(int index) {
        return TARGETS.get(index % TARGETS.size());
    }

    @ParameterizedTest
    @MethodSource("conversions")
    void convertedImageIsCleanAndEqual(Exhibit exhibit, List<String> options) {
        Path target = exhibit.folder().resolve("target");
        convert(exhibit, options, "", target);
        verify(exhibit, options, target);
    }

    @ParameterizedTest
    @MethodSource("withSnapshots")
    void convertedSnapshotIsCleanAndEqual(Exhibit exhibit, String snapshot) throws IOException {
        Path target = exhibit.folder().resolve("target");
        Path expected = exhibit.folder().resolve("expected");
        String source = exhibit.path().toString();
        Peer.must(
                exhibit.folder(),
                "qemu-img",
                "convert",
                "-O",
                "raw",
                "-l",
                snapshot,
                source,
                expected.toString());
        convert(exhibit, List.of("-O", "raw"), snapshot, target);
        assertEquals(-1, Files.mismatch(expected, target), "first different byte");
    }

    static Stream<Arguments> withSnapshots() {
        return ImageZoo.all().stream()
                .flatMap(
                        exhibit ->
                                exhibit.snapshots().stream().map(id -> Arguments.of(exhibit, id)));
    }

    private static void convert(
            Exhibit exhibit, List<String> options, String snapshot, Path target) {
        List<Object> arguments = new ArrayList<>(List.of("convert"));
        arguments.addAll(options);
        if (!snapshot.isEmpty()) {
            arguments.addAll(List.of("-l", snapshot));
        }
        arguments.addAll(List.of("-f", exhibit.format(), exhibit.path(), target));
        Peers.Result result = Cli.gaur(arguments.toArray());
        assertEquals(0, result.status(), result::toString);
    }

    private static void verify(Exhibit exhibit, List<String> options, Path target) {
        boolean qcow2 = options.contains("qcow2");
        if (qcow2) {
            Peers.qemuImgIn(exhibit.folder(), "check", "-f", "qcow2", target).ok();
        }
        Peers.qemuImgIn(
                        exhibit.folder(),
                        "compare",
                        "-f",
                        exhibit.format(),
                        "-F",
                        qcow2 ? "qcow2" : "raw",
                        exhibit.path(),
                        target)
                .ok();
    }

    static Stream<Shape> shapes() {
        return Shape.all().stream();
    }

    @ParameterizedTest
    @MethodSource("shapes")
    void createdImageIsCleanEmptyAndTakesWrites(Shape shape) {
        Path folder = ImageZoo.workshop("created-" + shape.name());
        Path image = folder.resolve("image.qcow2");
        List<Object> arguments = new ArrayList<>(List.of("create", "-q", "-f", "qcow2"));
        if (!shape.options().isEmpty()) {
            arguments.add("-o");
            arguments.add(shape.options().replace("DATA", folder.resolve("data").toString()));
        }
        arguments.addAll(List.of(image, shape.size()));
        Peers.Result created = Cli.gaur(arguments.toArray());
        assertEquals(0, created.status(), created::toString);
        Peers.qemuImgIn(folder, "check", image).ok();
        Random random = new Random(ImageZoo.SEED ^ shape.name().hashCode());
        Peer.qemuIo(image, "qcow2", Script.random(random, shape, 12));
        Peers.qemuImgIn(folder, "check", image).ok();
    }

    /**
     * Not those with reserved space, which QEMU reserves before it lays out the rest, nor those
     * with a data file, whose name would differ.
     */
    static Stream<Shape> layouts() {
        return Shape.all().stream()
                .filter(shape -> !shape.hasDataFile())
                .filter(shape -> !shape.options().matches(".*preallocation=(falloc|full).*"));
    }

    @ParameterizedTest
    @MethodSource("layouts")
    void createdImageIsLaidOutAsQemuDoesIt(Shape shape) throws IOException {
        Path folder = ImageZoo.workshop("layout-" + shape.name());
        Path theirs = ImageZoo.create(folder, shape, "theirs");
        Path ours = folder.resolve("ours");
        List<Object> arguments = new ArrayList<>(List.of("create", "-q", "-f", "qcow2"));
        if (!shape.options().isEmpty()) {
            arguments.add("-o");
            arguments.add(shape.options());
        }
        arguments.addAll(List.of(ours, shape.size()));
        Peers.Result created = Cli.asQemuImg(arguments.toArray());
        assertEquals(0, created.status(), created::toString);
        assertEquals(Files.size(theirs), Files.size(ours), "length");
        assertEquals(-1, Files.mismatch(theirs, ours), "first different byte");
    }

    @ParameterizedTest
    @MethodSource("plainTrees")
    void sevenZipReadsWhatWeConverted(String exhibitName, List<String> options) throws IOException {
        Exhibit exhibit = ImageZoo.named(exhibitName);
        Path target = exhibit.folder().resolve("for7z.qcow2");
        convert(exhibit, options, "", target);
        Path out = Files.createDirectories(exhibit.folder().resolve("7z"));
        Peer.must(exhibit.folder(), "7zz", "x", "-y", "-tqcow", "-o" + out, target.toString());
        try (Stream<Path> files = Files.list(out)) {
            Path extracted = files.findFirst().orElseThrow();
            Path raw = ImageZoo.named("tree/raw").path();
            assertEquals(-1, Files.mismatch(raw, extracted), "first different byte");
            Files.delete(extracted);
        }
    }

    static Stream<Arguments> plainTrees() {
        return Stream.of(
                Arguments.of("tree/raw", List.of("-O", "qcow2")),
                Arguments.of("tree/raw", List.of("-O", "qcow2", "-c")),
                Arguments.of("tree/zstd", List.of("-O", "qcow2", "-c")),
                Arguments.of("tree/plain", List.of("-O", "qcow2", "-o", "compat=0.10")),
                Arguments.of("tree/zlib", List.of("-O", "qcow2", "-c", "-o", "cluster_size=4k")),
                Arguments.of("tree/zlib-512", List.of("-O", "qcow2", "-c", "-o", "compat=0.10")));
    }

    @ParameterizedTest
    @MethodSource("plainTrees")
    void libqcowOpensWhatWeConverted(String exhibitName, List<String> options) {
        Exhibit exhibit = ImageZoo.named(exhibitName);
        Path target = exhibit.folder().resolve("forLibqcow.qcow2");
        convert(exhibit, options, "", target);
        String info = Peer.must(exhibit.folder(), "qcowinfo", target.toString());
        assertTrue(info.contains("6291456"), info);
    }
}
