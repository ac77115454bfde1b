package dev.gaur.cli.figures;

import java.util.ArrayList;
import java.util.List;

/** All that can be measured. */
final class Catalogue {
    private static final long GIB = 1L << 30;

    /** Larger than QEMU's old cache of L2 tables covers, which is 8 GiB. */
    private static final long LARGE = 32 * GIB;

    private static final long SMALL = 4 * GIB;
    private static final String OLD_BOUND = "l2-cache-size=1M";

    private Catalogue() {}

    /** Returns all figures, in the talk's order. */
    static List<Figure> all() {
        return List.of(small(), cliff(), copies(), preallocation());
    }

    private static Figure small() {
        return new Figure(
                "small",
                "Raw against qcow2, all clusters there",
                "The talk's first part: once every cluster of a small image is there, the format"
                        + " costs a look into a table that is in memory.",
                List.of(
                        Variant.raw(Start.WRITTEN),
                        Variant.qcow2("qcow2", "qcow2, all there", Start.WRITTEN)
                                .created("preallocation=metadata")),
                List.of(
                        Pattern.READ_RANDOM,
                        Pattern.READ_SEQUENTIAL,
                        Pattern.RANDOM_PAGES,
                        Pattern.LARGE));
    }

    private static Figure cliff() {
        Variant scattered = Variant.qcow2("", "", Start.SCATTERED);
        Variant inOrder =
                Variant.qcow2("", "", Start.IN_ORDER).created("preallocation=metadata").of(LARGE);
        return new Figure(
                "cliff",
                "Images larger than the cache of L2 tables, and the cure",
                "The talk's second part: QEMU once had 1 MiB for L2 tables, enough for a disk of"
                        + " 8 GiB. Random reads of a larger one, whose clusters lie in the file in"
                        + " random order, fall off a cliff. The cure is a cache that fits the"
                        + " image, which Gaur has by default; a table whose entries run in"
                        + " sequence takes it a few bytes.",
                List.of(
                        Variant.raw(Start.IN_ORDER).of(LARGE),
                        scattered.named("4g-1m", "4 GiB, 1 MiB").of(SMALL).opened(OLD_BOUND),
                        scattered.named("32g-1m", "32 GiB, 1 MiB").of(LARGE).opened(OLD_BOUND),
                        scattered.named("32g", "32 GiB, default").of(LARGE),
                        inOrder.named("order-1m", "32 GiB in order, 1 MiB").opened(OLD_BOUND),
                        inOrder.named("order", "32 GiB in order, default")),
                List.of(Pattern.READ_SPREAD));
    }

    private static Figure copies() {
        return new Figure(
                "cow",
                "First writes against rewrites",
                "The talk's third part: the first write to a cluster has to find a place for it,"
                        + " and what the request does not cover comes from below. The second write"
                        + " is an overwrite in place. The cures: the data cache, in which clusters"
                        + " wait until they are full, one barrier for many allocations, lazy"
                        + " refcounts, a journal, subclusters.",
                copyVariants(),
                List.of(
                        Pattern.SEQUENTIAL,
                        Pattern.RANDOM,
                        Pattern.RANDOM.flushing(),
                        Pattern.RANDOM_PAGES.flushing(),
                        Pattern.CLUSTERS,
                        Pattern.LARGE,
                        Pattern.LARGE_RANDOM));
    }

    private static List<Variant> copyVariants() {
        Variant none = Variant.qcow2("none", "no backing file", Start.EMPTY);
        Variant raw = Variant.qcow2("over-raw", "raw backing file", Start.OVER_RAW);
        Variant snapshot = Variant.qcow2("snapshot", "internal snapshot", Start.SNAPSHOT);
        List<Variant> cached =
                List.of(
                        none,
                        Variant.qcow2("over-zeros", "zero-filled backing file", Start.OVER_ZEROS),
                        raw,
                        Variant.qcow2("over-qcow2", "qcow2 backing file", Start.OVER_QCOW2),
                        snapshot,
                        Variant.qcow2("compressed", "compressed clusters", Start.COMPRESSED));
        List<Variant> all = new ArrayList<>();
        all.add(Variant.raw(Start.EMPTY));
        for (Variant variant : cached) {
            all.add(variant);
            all.add(variant.withoutDataCache());
        }
        all.add(none.named("lazy", "no backing file, lazy").created("lazy_refcounts=on"));
        all.add(
                snapshot.named("snapshot-lazy", "internal snapshot, lazy")
                        .created("lazy_refcounts=on"));
        all.add(none.named("journal", "no backing file, journal").created("journal=on").ours());
        all.add(
                snapshot.named("snapshot-journal", "internal snapshot, journal")
                        .created("journal=on")
                        .ours());
        Variant subclusters =
                raw.named("subclusters", "raw backing file, subclusters")
                        .created("extended_l2=on,cluster_size=128k");
        all.add(subclusters);
        all.add(subclusters.withoutDataCache());
        return List.copyOf(all);
    }

    private static Figure preallocation() {
        return new Figure(
                "preallocation",
                "Preallocated images from the first write",
                "With metadata that is there, space that is reserved or space that is written, the"
                        + " first write is what it is in a raw file of the same kind.",
                List.of(
                        Variant.raw(Start.EMPTY),
                        preallocated("metadata", "qcow2, metadata"),
                        Variant.raw(Start.EMPTY)
                                .named("raw-falloc", "raw, falloc")
                                .created("preallocation=falloc"),
                        preallocated("falloc", "qcow2, falloc"),
                        Variant.raw(Start.EMPTY)
                                .named("raw-full", "raw, full")
                                .created("preallocation=full"),
                        preallocated("full", "qcow2, full")),
                List.of(Pattern.SEQUENTIAL, Pattern.RANDOM, Pattern.CLUSTERS, Pattern.LARGE));
    }

    private static Variant preallocated(String mode, String title) {
        return Variant.qcow2(mode, title, Start.EMPTY).created("preallocation=" + mode);
    }
}
