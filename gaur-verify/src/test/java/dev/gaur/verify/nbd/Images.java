package dev.gaur.verify.nbd;

import static dev.gaur.verify.Peers.qemuImg;
import static dev.gaur.verify.Peers.qemuIo;

import java.nio.file.Path;
import java.util.List;
import java.util.function.Function;

/** Images of all kinds that a server may meet, made by QEMU's programs. */
final class Images {
    static final long MEBIBYTE = 1 << 20;

    private static final long SHORT = 3 * MEBIBYTE + 512;

    private Images() {}

    /**
     * An image.
     *
     * @param name of its kind
     * @param format as QEMU calls it
     * @param make makes it in a folder and returns where it is
     * @param baseEnd where the base ends if the disk is longer, else 0
     */
    record Kind(String name, String format, Function<Path, Path> make, long baseEnd) {
        Kind(String name, String format, Function<Path, Path> make) {
            this(name, format, make, 0);
        }

        @Override
        public String toString() {
            return name;
        }

        Path in(Path folder) {
            return make.apply(folder);
        }
    }

    /** Returns all kinds. Disks are of a few megabytes. */
    static List<Kind> all() {
        return List.of(
                new Kind("raw sparse", "raw", Images::raw),
                new Kind("raw of an odd length", "raw", Images::rawOdd),
                new Kind("qcow2", "qcow2", Images::qcow2),
                new Kind("qcow2 compressed", "qcow2", Images::compressed),
                new Kind("qcow2 with subclusters", "qcow2", Images::subclusters),
                new Kind("qcow2 on a shorter base", "qcow2", Images::shortBase, SHORT),
                new Kind("chain of four", "qcow2", Images::chain),
                new Kind("qcow2 with an internal snapshot", "qcow2", Images::snapshot),
                new Kind("qcow2 preallocated", "qcow2", Images::preallocated));
    }

    private static Path create(Path file, String options, Object size) {
        qemuImg("create", "-q", "-f", "qcow2", "-o", options, file, size).ok();
        return file;
    }

    private static Path raw(Path folder) {
        Path file = folder.resolve("sparse.raw");
        qemuImg("create", "-q", "-f", "raw", file, "8M").ok();
        qemuIo(file, "raw", "write -P 1 0 64k", "write -P 2 1M 4k", "write -P 3 7M 1M").ok();
        return file;
    }

    private static Path rawOdd(Path folder) {
        Path file = folder.resolve("odd.raw");
        qemuImg("create", "-q", "-f", "raw", file, "2097664").ok();
        qemuIo(file, "raw", "write -P 5 1M 512", "write -P 6 2M 512").ok();
        return file;
    }

    static Path qcow2(Path folder) {
        Path file = create(folder.resolve("plain.qcow2"), "cluster_size=64k", "8M");
        qemuIo(
                        file,
                        "qcow2",
                        "write -P 1 0 64k",
                        "write -P 2 128k 200k",
                        "write -z 1M 192k",
                        "write -P 3 2M 1M",
                        "write -z -u 2176k 64k",
                        "write -P 4 8128k 64k")
                .ok();
        return file;
    }

    private static Path compressed(Path folder) {
        Path file = create(folder.resolve("compressed.qcow2"), "cluster_size=64k", "8M");
        qemuIo(
                        file,
                        "qcow2",
                        "write -c -P 1 0 64k",
                        "write -c -P 2 64k 64k",
                        "write -c -P 3 1M 64k",
                        "write -P 4 2M 64k")
                .ok();
        return file;
    }

    private static Path subclusters(Path folder) {
        Path file = folder.resolve("subclusters.qcow2");
        create(file, "extended_l2=on,cluster_size=64k", "4M");
        qemuIo(
                        file,
                        "qcow2",
                        "write -P 1 0 2k",
                        "write -P 2 6k 4k",
                        "write -z 16k 4k",
                        "write -P 3 1M 64k",
                        "write -z -u 1032k 8k",
                        "write -P 4 2050k 2k")
                .ok();
        return file;
    }

    private static Path overlay(Path folder, Path base, String name, Object size) {
        Path file = folder.resolve(name);
        qemuImg("create", "-q", "-f", "qcow2", "-b", base, "-F", "qcow2", file, size).ok();
        return file;
    }

    private static Path shortBase(Path folder) {
        Path base = create(folder.resolve("short.qcow2"), "cluster_size=64k", SHORT);
        qemuIo(base, "qcow2", "write -P 1 0 1M", "write -P 2 3M 512").ok();
        Path top = overlay(folder, base, "long.qcow2", "6M");
        qemuIo(top, "qcow2", "write -P 3 512k 64k", "write -P 4 5M 64k", "write -z 64k 64k").ok();
        return top;
    }

    static Path chain(Path folder) {
        Path below = create(folder.resolve("layer0.qcow2"), "cluster_size=64k", "4M");
        qemuIo(below, "qcow2", "write -P 1 0 2M").ok();
        for (int layer = 1; layer < 4; layer++) {
            below = overlay(folder, below, "layer" + layer + ".qcow2", "4M");
            String write = "write -P " + (layer + 1) + " " + layer * 192 + "k 128k";
            qemuIo(below, "qcow2", write, "write -z " + (1024 + layer * 128) + "k 64k").ok();
        }
        return below;
    }

    private static Path snapshot(Path folder) {
        Path file = qcow2(folder);
        qemuImg("snapshot", "-c", "before", file).ok();
        qemuIo(file, "qcow2", "write -P 9 0 128k", "discard 2M 512k").ok();
        return file;
    }

    private static Path preallocated(Path folder) {
        Path file = folder.resolve("preallocated.qcow2");
        create(file, "cluster_size=64k,preallocation=metadata", "4M");
        qemuIo(file, "qcow2", "write -P 7 1M 64k").ok();
        return file;
    }

    /** A disk of 4 MiB with bitmaps {@code fine}, {@code coarse} and {@code off}. */
    static Path bitmaps(Path folder) {
        Path file = create(folder.resolve("bitmaps.qcow2"), "cluster_size=64k", "4M");
        qemuImg("bitmap", "--add", "-g", "512", file, "fine").ok();
        qemuImg("bitmap", "--add", "-g", "128k", file, "coarse").ok();
        qemuIo(file, "qcow2", "write -P 1 0 512", "write -P 2 65k 3k", "write -z 1M 64k").ok();
        qemuImg("bitmap", "--add", "--disable", file, "off").ok();
        qemuIo(file, "qcow2", "write -P 3 3M 200k").ok();
        return file;
    }
}
