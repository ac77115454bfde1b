package dev.gaur.verify.hostile;

import dev.gaur.verify.zoo.ImageZoo;
import dev.gaur.verify.zoo.Peer;
import dev.gaur.verify.zoo.Script;
import dev.gaur.verify.zoo.Shape;
import dev.gaur.verify.zoo.Specimen;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;

/**
 * A small valid image to be damaged, with as many kinds of structure as its options allow. Made by
 * QEMU's programs when the tests run; no binary file is kept.
 *
 * @param name for test names
 * @param path the file; damaged copies go into the same folder, beside what the image refers to
 */
public record Golden(String name, Path path) {
    private static final int OPERATIONS = 8;

    /** Returns all golden images, made by the first call. */
    public static List<Golden> all() {
        return Built.ALL;
    }

    /** Returns one golden image. */
    public static Golden named(String name) {
        return all().stream()
                .filter(golden -> golden.name().equals(name))
                .findFirst()
                .orElseThrow(() -> new AssertionError("no golden image " + name));
    }

    /** Returns a fresh copy of the image's bytes. */
    public Specimen specimen() {
        return Specimen.read(path);
    }

    /** Returns a path beside the image. */
    public Path beside(String file) {
        return path.resolveSibling(file);
    }

    @Override
    public String toString() {
        return name;
    }

    /** Made once; if that fails, every test that asks fails at once. */
    private static final class Built {
        static final List<Golden> ALL =
                List.of(
                        full("everything-4k", "cluster_size=4k", 4 << 10),
                        full("everything-512", "cluster_size=512", 512),
                        full("zstd-4k", "cluster_size=4k,compression_type=zstd", 4 << 10),
                        full("ext-16k", "cluster_size=16k,extended_l2=on", 16 << 10),
                        full("rc64-1k", "cluster_size=1k,refcount_bits=64", 1 << 10),
                        full("v2-4k", "compat=0.10,cluster_size=4k", 4 << 10),
                        full("default-64k", "", 64 << 10),
                        plain("rc1-4k", "cluster_size=4k,refcount_bits=1", 4 << 10),
                        plain("data-4k", "cluster_size=4k,data_file=DATA", 4 << 10),
                        overlay());
    }

    private static Shape shape(String options, int clusterSize) {
        return new Shape("golden", options, clusterSize, Math.max(256 << 10, 12L * clusterSize));
    }

    /**
     * Data, compressed and zero clusters, two snapshots, and bitmaps where the version has them.
     */
    private static Golden full(String name, String options, int clusterSize) {
        Path folder = ImageZoo.workshop("golden-" + name);
        Shape shape = shape(options, clusterSize);
        Path image = ImageZoo.create(folder, shape);
        Random random = new Random(ImageZoo.SEED ^ name.hashCode());
        Peer.qemuIo(image, "qcow2", Script.random(random, shape, OPERATIONS));
        if (shape.isV3()) {
            Peer.must(folder, "qemu-img", "bitmap", "--add", "-g", "4k", "image.qcow2", "bits");
            Peer.must(folder, "qemu-img", "bitmap", "--add", "image.qcow2", "more bits");
        }
        Shape later = new Shape("later", "preallocation", clusterSize, shape.size());
        for (String tag : List.of("one", "two")) {
            Peer.must(folder, "qemu-img", "snapshot", "-c", tag, "image.qcow2");
            Peer.qemuIo(image, "qcow2", Script.random(random, later, OPERATIONS / 2));
        }
        return new Golden(name, image);
    }

    private static Golden plain(String name, String options, int clusterSize) {
        Path folder = ImageZoo.workshop("golden-" + name);
        Shape shape = shape(options, clusterSize);
        Path image = ImageZoo.create(folder, shape);
        Random random = new Random(ImageZoo.SEED ^ name.hashCode());
        Peer.qemuIo(image, "qcow2", Script.random(random, shape, OPERATIONS));
        return new Golden(name, image);
    }

    private static Golden overlay() {
        Path folder = ImageZoo.workshop("golden-overlay");
        Shape shape = shape("cluster_size=4k", 4 << 10);
        Path base = ImageZoo.create(folder, shape, "base.qcow2");
        Random random = new Random(ImageZoo.SEED);
        Peer.qemuIo(base, "qcow2", Script.random(random, shape, OPERATIONS));
        Peer.must(
                folder,
                "qemu-img",
                "create",
                "-q",
                "-f",
                "qcow2",
                "-o",
                "cluster_size=4k",
                "-b",
                "base.qcow2",
                "-F",
                "qcow2",
                "image.qcow2");
        Path image = folder.resolve("image.qcow2");
        Peer.qemuIo(image, "qcow2", Script.random(random, shape, OPERATIONS));
        return new Golden("overlay-4k", image);
    }
}
