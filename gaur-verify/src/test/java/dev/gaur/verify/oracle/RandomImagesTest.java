package dev.gaur.verify.oracle;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.gaur.cli.Cli;
import dev.gaur.graph.BlockDevice;
import dev.gaur.graph.ChainOpener;
import dev.gaur.graph.OpenRequest;
import dev.gaur.verify.Peers;
import dev.gaur.verify.zoo.Exhibit;
import dev.gaur.verify.zoo.ImageZoo;
import dev.gaur.verify.zoo.Peer;
import dev.gaur.verify.zoo.Script;
import dev.gaur.verify.zoo.Shape;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.stream.LongStream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Properties over random images: options drawn at random, a random script, perhaps an overlay, then
 * all that can be compared with QEMU is compared. The parameter is the seed of the case; {@code
 * -Dgaur.seed=} makes it the first one.
 */
class RandomImagesTest {
    private static final int ROUNDS = ImageZoo.LONG ? 1000 : 40;

    static LongStream seeds() {
        return LongStream.range(ImageZoo.SEED, ImageZoo.SEED + ROUNDS);
    }

    @ParameterizedTest
    @MethodSource("seeds")
    void bothProgramsAgreeOnARandomImage(long seed) throws IOException {
        Random random = new Random(seed);
        Path folder = ImageZoo.workshop("random");
        Shape shape = shape(random);
        Path image = ImageZoo.create(folder, shape);
        Peer.qemuIo(image, "qcow2", Script.random(random, shape, 1 + random.nextInt(30)));
        if (shape.overlays() && random.nextBoolean()) {
            image = overlay(folder, random);
        }
        Exhibit exhibit = new Exhibit("seed " + seed, image, "qcow2", List.of(), false, true);
        try (Truth truth = Truth.of(exhibit, "");
                BlockDevice device = ChainOpener.open(image.toString(), request(random))) {
            truth.assertReads(device, seed);
        }
        sameMap(exhibit);
        same(exhibit, "check", "--output=json");
        same(exhibit, "info", "--output=json");
        convertAndCompare(exhibit, random);
    }

    private static OpenRequest request(Random random) {
        OpenRequest request = OpenRequest.READ.withFormat("qcow2");
        return random.nextBoolean() ? request : request.withMetadataCacheBytes(8192);
    }

    private static Shape shape(Random random) {
        int clusterBits = 9 + random.nextInt(13);
        List<String> options = new ArrayList<>();
        options.add("cluster_size=" + (1 << clusterBits));
        if (random.nextInt(6) == 0) {
            options.add("compat=0.10");
        } else {
            options.add("refcount_bits=" + (1 << random.nextInt(7)));
            if (clusterBits >= 14 && random.nextInt(3) == 0) {
                options.add("extended_l2=on");
            }
            if (random.nextInt(3) == 0) {
                options.add("compression_type=zstd");
            }
            if (random.nextInt(8) == 0) {
                options.add("lazy_refcounts=on");
            }
            if (random.nextInt(8) == 0) {
                options.add("data_file=DATA");
            } else if (random.nextInt(8) == 0) {
                options.add("preallocation=metadata");
            }
        }
        long clusters = 3L + random.nextInt(40);
        long size = Math.max(clusters << clusterBits, 100_000) / 512 * 512;
        return new Shape("random", String.join(",", options), 1 << clusterBits, size);
    }

    private static Path overlay(Path folder, Random random) {
        Shape shape = shape(random);
        while (!shape.overlays() || shape.hasDataFile()) {
            shape = shape(random);
        }
        Peer.must(
                folder,
                "qemu-img",
                "create",
                "-q",
                "-f",
                "qcow2",
                "-b",
                "image.qcow2",
                "-F",
                "qcow2",
                "-o",
                shape.options(),
                "overlay.qcow2",
                Long.toString(shape.size()));
        Path overlay = folder.resolve("overlay.qcow2");
        Peer.qemuIo(overlay, "qcow2", Script.random(random, shape, 1 + random.nextInt(15)));
        return overlay;
    }

    private static void sameMap(Exhibit exhibit) {
        Object[] command = {"map", "--output=json", exhibit.path()};
        Peers.Result qemu = Peers.qemuImgIn(exhibit.folder(), command);
        Peers.Result gaur = Cli.asQemuImg(command);
        assertEquals(MapLines.of(qemu.out()), MapLines.of(gaur.out()), () -> qemu + "\n" + gaur);
    }

    private static void same(Exhibit exhibit, String command, String option) {
        Peers.Result qemu = Peers.qemuImgIn(exhibit.folder(), command, option, exhibit.path());
        Peers.Result gaur = Cli.asQemuImg(command, option, exhibit.path());
        assertEquals(qemu.out(), gaur.out(), () -> command + ": " + gaur + "\n" + qemu);
    }

    private static void convertAndCompare(Exhibit exhibit, Random random) {
        Shape target = shape(random);
        while (target.hasDataFile()) {
            target = shape(random);
        }
        Path file = exhibit.folder().resolve("converted.qcow2");
        List<Object> command = new ArrayList<>(List.of("convert", "-O", "qcow2"));
        command.addAll(List.of("-o", target.options()));
        if (target.compresses() && random.nextBoolean()) {
            command.add("-c");
        }
        command.addAll(List.of(exhibit.path(), file));
        Peers.Result result = Cli.gaur(command.toArray());
        assertEquals(0, result.status(), result::toString);
        Peers.qemuImgIn(exhibit.folder(), "check", file).ok();
        Peers.qemuImgIn(exhibit.folder(), "compare", exhibit.path(), file).ok();
    }
}
