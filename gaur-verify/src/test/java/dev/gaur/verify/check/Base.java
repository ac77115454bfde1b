package dev.gaur.verify.check;

import dev.gaur.verify.Peers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;

/** An image to break: its name, creation options and what is done with it. */
record Base(String name, String options, String... features) {
    /** Makes it, unless it is there already. */
    Path make(Path folder) {
        Path image = folder.resolve(name + ".qcow2");
        if (Files.exists(image)) {
            return image;
        }
        Peers.qemuImgIn(folder, "create", "-q", "-f", "qcow2", "-o", options, image, "4M").ok();
        for (String feature : features) {
            switch (feature) {
                case "snapshot" -> {
                    Peers.qemuImg("snapshot", "-c", "one two", image).ok();
                    Peers.qemuIo(image, "qcow2", "write -P 4 0 128k").ok();
                }
                case "bitmap" -> Peers.qemuImg("bitmap", "--add", image, "b").ok();
                case "compressed" -> Peers.qemuIo(image, "qcow2", "write -c -P 8 2M 512k").ok();
                default -> Peers.qemuIo(image, "qcow2", feature).ok();
            }
        }
        return image;
    }

    @Override
    public String toString() {
        return name;
    }

    /** Images with all kinds of structures. */
    static Stream<Base> all(Path folder) {
        String write = "write -P 1 100k 300k";
        String zero = "write -z 500k 100k";
        return Stream.of(
                new Base("v3", "cluster_size=64k", write, zero, "compressed"),
                new Base("v2", "compat=0.10,cluster_size=4k", write, "snapshot"),
                new Base("tiny", "cluster_size=512", write, "snapshot"),
                new Base("refcount1", "cluster_size=512,refcount_bits=1", write, zero),
                new Base("refcount2", "cluster_size=1k,refcount_bits=2", write, "snapshot"),
                new Base("refcount8", "cluster_size=4k,refcount_bits=8", write, "snapshot"),
                new Base("refcount64", "cluster_size=4k,refcount_bits=64", write, "snapshot"),
                new Base("extended", "cluster_size=16k,extended_l2=on", write, zero, "snapshot"),
                new Base("extended-compressed", "cluster_size=16k,extended_l2=on", "compressed"),
                new Base("preallocated", "cluster_size=16k,preallocation=metadata", write),
                new Base(
                        "data-file",
                        "cluster_size=16k,data_file=" + folder.resolve("data.raw"),
                        write,
                        zero),
                new Base("bitmap", "cluster_size=4k", "bitmap", write),
                new Base("snapshots", "cluster_size=4k", write, "snapshot", zero, "snapshot"),
                new Base("empty", "cluster_size=64k"));
    }
}
