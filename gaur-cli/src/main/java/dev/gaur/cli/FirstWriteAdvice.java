package dev.gaur.cli;

import static dev.gaur.cli.Advice.isMuch;
import static dev.gaur.cli.Advice.percent;
import static dev.gaur.cli.AdviceCommands.name;

import dev.gaur.cli.AdviceChain.Layer;
import dev.gaur.format.ImageInfo;
import dev.gaur.format.MappingReport;
import dev.gaur.format.SnapshotInfo;
import dev.gaur.units.Sizes;
import java.util.List;
import java.util.function.BiConsumer;

/**
 * What would make the first writes to an image's clusters faster. Says no more than {@code
 * docs/BENCHMARKS.md} shows.
 */
final class FirstWriteAdvice {
    static final String SUBCLUSTERS = "extended_l2=on,cluster_size=128k";

    private static final int SUBCLUSTERS_PER_CLUSTER = 32;

    /** Who copies less than that gains nothing by subclusters of 4 KiB. */
    private static final int UNIT_MIN = 16 << 10;

    /** Clusters of which the data cache holds few. */
    private static final int LARGE_CLUSTER = 1 << 20;

    private static final int COW_CACHE_DEFAULT = 16 << 20;
    private static final int WAITING_GOOD = 64;

    private final AdviceChain chain;
    private final Layer top;
    private final MappingReport mapping;
    private final ImageInfo.Qcow2 qcow2;
    private final BiConsumer<String, String> add;

    private FirstWriteAdvice(
            AdviceChain chain,
            MappingReport mapping,
            ImageInfo.Qcow2 qcow2,
            BiConsumer<String, String> add) {
        this.chain = chain;
        this.top = chain.top();
        this.mapping = mapping;
        this.qcow2 = qcow2;
        this.add = add;
    }

    /**
     * Looks at the image of a chain.
     *
     * @param add takes what there is to say and the command that goes with it
     */
    static void of(AdviceChain chain, BiConsumer<String, String> add) {
        Layer top = chain.top();
        if (top.mapping().isEmpty() || top.qcow2().isEmpty()) {
            return;
        }
        FirstWriteAdvice advice =
                new FirstWriteAdvice(
                        chain, top.mapping().orElseThrow(), top.qcow2().orElseThrow(), add);
        advice.snapshots();
        advice.subclusters();
        advice.dataCache();
        advice.preallocation();
    }

    private String cluster() {
        return Sizes.human(top.info().clusterSize());
    }

    private void snapshots() {
        List<SnapshotInfo> snapshots = top.info().snapshots();
        if (snapshots.isEmpty() || !isMuch(mapping.shared(), mapping.clusters())) {
            return;
        }
        boolean one = snapshots.size() == 1;
        add.accept(
                percent(mapping.shared(), mapping.clusters())
                        + " of the disk belongs to internal snapshots, too: the first write to"
                        + " each "
                        + cluster()
                        + " of it copies the rest, unless that is written before the next flush."
                        + (one
                                ? " If nobody needs the snapshot, it can go."
                                : " Snapshots that nobody needs can go (gaur snapshot -l)."),
                "gaur snapshot -d "
                        + (one ? AdviceCommands.quoted(snapshots.getFirst().name()) : "NAME")
                        + " "
                        + name(top));
        if (qcow2.version() >= 3 && !qcow2.lazyRefcounts() && !qcow2.journal()) {
            add.accept(
                    "In QEMU each of these copies waits for the disk; with lazy refcounts it does"
                            + " not (qemu-nbd: 1.5 to 6 times as fast, measured). But after a crash"
                            + " who writes next reads all tables first. Gaur gains no speed by it.",
                    AdviceCommands.amend(top, "lazy_refcounts=on"));
        }
    }

    private void subclusters() {
        int cluster = top.info().clusterSize();
        int unit = qcow2.extendedL2() ? cluster / SUBCLUSTERS_PER_CLUSTER : cluster;
        if (unit < UNIT_MIN || !isMuch(mapping.below(), mapping.clusters())) {
            return;
        }
        add.accept(
                percent(mapping.below(), mapping.clusters())
                        + " of the disk lies in the backing file: a first write to less than "
                        + Sizes.human(unit)
                        + " of it copies the rest, unless that is written before the next flush."
                        + " A copy of the image with subclusters copies 4 KiB at most at each end"
                        + " of a write: scattered ones of 4 KiB were 2 to 4 times as fast,"
                        + " measured; what fills its clusters gains nothing."
                        + (top.info().snapshots().isEmpty() ? "" : " " + Advice.NO_SNAPSHOTS),
                AdviceCommands.convert(top, "", SUBCLUSTERS));
    }

    private void dataCache() {
        int size = top.info().clusterSize();
        long copied = mapping.below() + mapping.shared() + mapping.compressed();
        if (size < LARGE_CLUSTER || !isMuch(copied, mapping.clusters())) {
            return;
        }
        long bytes = (long) WAITING_GOOD * size;
        add.accept(
                "First writes wait in the data cache ("
                        + Sizes.human(COW_CACHE_DEFAULT)
                        + ") for the rest of their cluster: it has room for "
                        + COW_CACHE_DEFAULT / size
                        + " clusters of "
                        + cluster()
                        + ". Who writes to more places at once needs a larger one; where writes"
                        + " never fill their clusters, none helps.",
                AdviceCommands.serve(top, ",cow-cache-size=" + (bytes >> 20) + "M"));
    }

    private void preallocation() {
        boolean alone = chain.layers().size() == 1 && top.info().backing().isEmpty();
        if (!alone || top.info().dataFile().isPresent()) {
            return;
        }
        boolean filled = isMuch(mapping.own(), mapping.clusters()); // Else it is thin on purpose.
        if (!filled || !isMuch(mapping.empty(), mapping.clusters())) {
            return;
        }
        add.accept(
                percent(mapping.empty(), mapping.clusters())
                        + " of the disk has no place in the file yet: the first write to each "
                        + cluster()
                        + " has to find one. In a copy with preallocated metadata all of it has"
                        + " one, and space is taken only by what is written: random first writes"
                        + " of 4 KiB over NBD were 4 times as fast, those in order 1.5 times"
                        + " (measured with 64 KiB clusters); programs that open the image"
                        + " themselves gain nothing."
                        + (top.info().snapshots().isEmpty() ? "" : " " + Advice.NO_SNAPSHOTS),
                AdviceCommands.convert(top, "", "preallocation=metadata"));
    }
}
