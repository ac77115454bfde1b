package dev.gaur.verify.zoo;

import dev.gaur.verify.zoo.ImageZoo.Plan;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;

/**
 * Exhibits that take more than one step: converted trees, chains, snapshots, bitmaps, images that
 * were not closed, sizes that QEMU itself does not create.
 */
final class Features {
    private static final long MIB = 1 << 20;
    private static final Shape PLAIN = new Shape("64k", "", 64 << 10, 4 * MIB);
    private static final Shape SMALL = new Shape("4k", "cluster_size=4k", 4 << 10, 2 * MIB);
    private static final Shape EXT =
            new Shape("ext", "extended_l2=on,cluster_size=16k", 16 << 10, 3 * MIB);
    private static final Shape V2 = new Shape("v2", "compat=0.10", 64 << 10, 4 * MIB);

    private Features() {}

    static void plan(List<Plan> plans, Path tree) {
        trees(plans, tree);
        chains(plans);
        snapshots(plans);
        bitmaps(plans);
        states(plans);
    }

    private static void trees(List<Plan> plans, Path tree) {
        plans.add(
                new Plan(
                        "tree/raw",
                        folder -> {
                            Path copy = Files.copy(tree, folder.resolve("image.raw"));
                            return Exhibit.plain("tree/raw", copy, "raw");
                        }));
        tree(plans, tree, "tree/plain", "-c0", "");
        tree(plans, tree, "tree/zlib", "-c", "");
        tree(plans, tree, "tree/zlib-4k", "-c", "cluster_size=4k");
        tree(plans, tree, "tree/zlib-512", "-c", "cluster_size=512");
        tree(plans, tree, "tree/zlib-2m", "-c", "cluster_size=2M");
        tree(plans, tree, "tree/zlib-v2", "-c", "compat=0.10");
        tree(plans, tree, "tree/zstd", "-c", "compression_type=zstd");
        tree(plans, tree, "tree/zstd-512", "-c", "compression_type=zstd,cluster_size=512");
        tree(plans, tree, "tree/zstd-ext", "-c", "compression_type=zstd,extended_l2=on");
        tree(plans, tree, "tree/rc1", "-c", "refcount_bits=1");
    }

    private static void tree(
            List<Plan> plans, Path tree, String name, String compress, String options) {
        plans.add(
                new Plan(
                        name,
                        folder -> {
                            Path image = folder.resolve("image.qcow2");
                            List<String> command = new ArrayList<>(List.of("qemu-img", "convert"));
                            if (compress.equals("-c")) {
                                command.add("-c");
                            }
                            if (!options.isEmpty()) {
                                command.addAll(List.of("-o", options));
                            }
                            command.addAll(List.of("-f", "raw", "-O", "qcow2"));
                            command.addAll(List.of(tree.toString(), image.toString()));
                            Peer.run(folder, command).ok();
                            return Exhibit.plain(name, image, "qcow2");
                        }));
    }

    private static void chains(List<Plan> plans) {
        chain(plans, "chain/2-same", PLAIN, PLAIN);
        chain(plans, "chain/2-shorter-base", PLAIN.sized(MIB + 512), PLAIN);
        chain(plans, "chain/2-longer-base", PLAIN, PLAIN.sized(MIB + 1536));
        chain(plans, "chain/2-small-over-big", PLAIN, SMALL.sized(3 * MIB + 512));
        chain(plans, "chain/2-big-over-small", SMALL, PLAIN);
        chain(plans, "chain/2-ext-over-v2", V2.sized(2 * MIB + 512), EXT);
        chain(plans, "chain/2-v2-over-ext", EXT, V2);
        chain(plans, "chain/3-raw-base", raw(2 * MIB + 512), SMALL, PLAIN);
        chain(plans, "chain/3-waist", PLAIN, SMALL.sized(MIB), PLAIN.sized(3 * MIB));
        chain(plans, "chain/4-mixed", V2, EXT.sized(MIB + 512), SMALL, PLAIN.sized(5 * MIB));
        chain(plans, "chain/5-mixed", raw(MIB), V2, EXT, SMALL.sized(4 * MIB - 512), EXT);
        chain(plans, "chain/2-raw-odd", raw(MIB + 100), PLAIN);
    }

    private static Shape raw(long size) {
        return new Shape("raw", "", 4096, size);
    }

    /** Layers from the base up; each but the base is an overlay of the one before. */
    private static void chain(List<Plan> plans, String name, Shape... layers) {
        plans.add(
                new Plan(
                        name,
                        folder -> {
                            Random random = new Random(ImageZoo.SEED ^ name.hashCode());
                            Path below = folder.resolve("layer0");
                            for (int i = 0; i < layers.length; i++) {
                                below = layer(folder, i, layers, random);
                            }
                            return Exhibit.plain(name, below, "qcow2").referring();
                        }));
    }

    private static Path layer(Path folder, int index, Shape[] layers, Random random)
            throws IOException {
        Shape shape = layers[index];
        Path file = folder.resolve("layer" + index);
        if (shape.name().equals("raw")) {
            byte[] content = new byte[(int) shape.size()];
            random.nextBytes(content);
            return Files.write(file, content);
        }
        List<String> command = new ArrayList<>(List.of("qemu-img", "create", "-q", "-f", "qcow2"));
        if (index > 0) {
            String format = layers[index - 1].name().equals("raw") ? "raw" : "qcow2";
            command.addAll(List.of("-b", "layer" + (index - 1), "-F", format));
        }
        if (!shape.options().isEmpty()) {
            command.addAll(List.of("-o", shape.options()));
        }
        command.addAll(List.of(file.toString(), Long.toString(shape.size())));
        Peer.run(folder, command).ok();
        Peer.qemuIo(file, "qcow2", Script.random(random, shape, 10));
        return file;
    }

    private static void snapshots(List<Plan> plans) {
        snapshots(plans, "snapshots/64k", PLAIN);
        snapshots(plans, "snapshots/4k", SMALL);
        snapshots(plans, "snapshots/ext", EXT);
        snapshots(plans, "snapshots/v2", V2);
        snapshots(plans, "snapshots/rc4", new Shape("rc4", "refcount_bits=4", 64 << 10, 4 * MIB));
        plans.add(
                new Plan(
                        "snapshots/grown",
                        folder -> {
                            Exhibit before = threeSnapshots("snapshots/grown", folder, PLAIN);
                            Peer.must(folder, "qemu-img", "resize", "-q", "image.qcow2", "6M");
                            Peer.qemuIo(
                                    before.path(), "qcow2", List.of("write -s words 5000001 9999"));
                            return before;
                        }));
    }

    private static void snapshots(List<Plan> plans, String name, Shape shape) {
        plans.add(new Plan(name, folder -> threeSnapshots(name, folder, shape)));
    }

    private static Exhibit threeSnapshots(String name, Path folder, Shape shape) {
        Random random = new Random(ImageZoo.SEED ^ name.hashCode());
        Path image = ImageZoo.create(folder, shape);
        // Compressed clusters share a host cluster; narrow counts have no room left for snapshots.
        boolean narrow = shape.options().contains("refcount_bits=4");
        Shape plainWrites = new Shape(shape.name(), "preallocation", 4096, shape.size());
        Peer.qemuIo(image, "qcow2", Script.random(random, narrow ? plainWrites : shape, 8));
        for (String tag : List.of("first", "second", "3rd; with ümlaut")) {
            Peer.must(folder, "qemu-img", "snapshot", "-c", tag, "image.qcow2");
            Peer.qemuIo(image, "qcow2", Script.random(random, plainWrites, 8));
        }
        Peer.must(folder, "qemu-img", "snapshot", "-d", "second", "image.qcow2");
        Peer.qemuIo(image, "qcow2", Script.random(random, plainWrites, 4));
        return Exhibit.plain(name, image, "qcow2").withSnapshots("1", "3");
    }

    private static void bitmaps(List<Plan> plans) {
        bitmap(plans, "bitmaps/64k", PLAIN);
        bitmap(plans, "bitmaps/4k", SMALL);
        bitmap(plans, "bitmaps/ext", EXT);
        plans.add(
                new Plan(
                        "bitmaps/in-use",
                        folder -> {
                            Path image = ImageZoo.create(folder, PLAIN);
                            Peer.must(folder, "qemu-img", "bitmap", "--add", "image.qcow2", "b");
                            Peer.qemuIoThenDie(image, List.of("write 0 64k", "flush"));
                            return Exhibit.plain("bitmaps/in-use", image, "qcow2").unclean();
                        }));
    }

    private static void bitmap(List<Plan> plans, String name, Shape shape) {
        plans.add(
                new Plan(
                        name,
                        folder -> {
                            Path image = ImageZoo.create(folder, shape);
                            Random random = new Random(ImageZoo.SEED ^ name.hashCode());
                            add(folder, "-g", "4k", "fine");
                            add(folder, "--disable", "still");
                            add(folder, "-g", "1M", "coarse and with a longer name");
                            Peer.qemuIo(image, "qcow2", Script.random(random, shape, 12));
                            return Exhibit.plain(name, image, "qcow2");
                        }));
    }

    private static void add(Path folder, String... rest) {
        List<String> command = new ArrayList<>(List.of("qemu-img", "bitmap", "--add"));
        command.addAll(List.of(rest).subList(0, rest.length - 1));
        command.addAll(List.of("image.qcow2", rest[rest.length - 1]));
        Peer.run(folder, command).ok();
    }

    private static void states(List<Plan> plans) {
        plans.add(
                new Plan(
                        "state/dirty",
                        folder -> {
                            Shape lazy = new Shape("lazy", "lazy_refcounts=on", 64 << 10, 4 * MIB);
                            Path image = ImageZoo.create(folder, lazy);
                            Random random = new Random(ImageZoo.SEED);
                            List<String> script = Script.random(random, lazy, 12);
                            script.add("flush");
                            Peer.qemuIoThenDie(image, script);
                            return Exhibit.plain("state/dirty", image, "qcow2").unclean();
                        }));
        patched(plans, "state/corrupt-bit", 79, 0x02);
        patched(plans, "state/unknown-compatible", 80, 0x80);
        patched(plans, "state/unknown-autoclear", 88, 0x40);
        sized(plans, "size/odd-700", MIB + 700);
        sized(plans, "size/511", 511);
        sized(plans, "size/1", 1);
        shape(plans, "size/0", PLAIN.sized(0));
        shape(plans, "size/512", PLAIN.sized(512));
        shape(plans, "size/1T", PLAIN.sized(1L << 40));
        shape(plans, "size/12T-2m", new Shape("2m", "cluster_size=2M", 2 << 20, 12L << 40));
    }

    /** An image with one byte of the header changed. */
    private static void patched(List<Plan> plans, String name, long offset, int value) {
        plans.add(
                new Plan(
                        name,
                        folder -> {
                            Path image = ImageZoo.create(folder, PLAIN);
                            Random random = new Random(ImageZoo.SEED ^ name.hashCode());
                            Peer.qemuIo(image, "qcow2", Script.random(random, PLAIN, 8));
                            Specimen specimen = Specimen.read(image);
                            specimen.putU8(offset, value);
                            specimen.write(image);
                            return Exhibit.plain(name, image, "qcow2");
                        }));
    }

    /** An image whose header states a size that QEMU would not write. */
    private static void sized(List<Plan> plans, String name, long size) {
        plans.add(
                new Plan(
                        name,
                        folder -> {
                            Shape shape = PLAIN.sized((size + 511) / 512 * 512);
                            Path image = ImageZoo.create(folder, shape);
                            Random random = new Random(ImageZoo.SEED ^ name.hashCode());
                            Shape safe = new Shape("", "preallocation", 512, shape.size());
                            Peer.qemuIo(image, "qcow2", Script.random(random, safe, 6));
                            Specimen specimen = Specimen.read(image);
                            specimen.put(HeaderField.SIZE, size);
                            specimen.write(image);
                            return Exhibit.plain(name, image, "qcow2");
                        }));
    }

    private static void shape(List<Plan> plans, String name, Shape shape) {
        plans.add(
                new Plan(
                        name,
                        folder -> {
                            Path image = ImageZoo.create(folder, shape);
                            if (shape.size() > MIB) {
                                long end = shape.size() - 4096;
                                Peer.qemuIo(
                                        image,
                                        "qcow2",
                                        List.of(
                                                "write -s words 1000 9000",
                                                "write -s words " + shape.size() / 3 + " 200000",
                                                "write -s noise " + end + " 4096"));
                            }
                            return Exhibit.plain(name, image, "qcow2");
                        }));
    }
}
