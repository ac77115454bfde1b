package dev.gaur.cli;

import static dev.gaur.cli.AdviceCommands.name;

import dev.gaur.cli.AdviceChain.Layer;
import dev.gaur.format.ImageInfo;
import dev.gaur.format.MappingReport;
import dev.gaur.units.Sizes;
import java.util.ArrayList;
import java.util.List;

/**
 * What would make an image faster, in short sentences. Each says what it is, what that costs, and
 * which command changes it; there is none for what costs little.
 */
final class Advice {
    /** Less of a disk than this, in percent, is not worth a sentence. */
    private static final int PERCENT_MIN = 5;

    /** Fewer clusters of data than this are read in no time, however they lie. */
    private static final long DATA_MIN = 1000;

    /** Nobody notices how long fewer clusters take to inflate. */
    private static final long COMPRESSED_MIN = 100;

    /** Pieces larger than this are read as fast as one. */
    private static final long PIECE_BYTES = 1 << 20;

    /** A cache that small is no reason for anything. */
    private static final long CACHE_MIN = 4 << 20;

    static final String NO_SNAPSHOTS = "It has no internal snapshots.";

    private static final String LARGE_CLUSTERS = "cluster_size=1M";

    /** Fewer tables than these are read in no time. */
    private static final long REPAIR_MIN = 32 << 20;

    private static final int DEPTH_GOOD = 4;
    private static final int CLUSTER_GOOD = 64 << 10;

    /**
     * One piece of advice.
     *
     * @param text what and why
     * @param command how, empty if no command does it
     */
    record Item(String text, String command) {}

    private final AdviceChain chain;
    private final List<Item> items = new ArrayList<>();

    private Advice(AdviceChain chain) {
        this.chain = chain;
    }

    static List<Item> of(AdviceChain chain) {
        Advice advice = new Advice(chain);
        if (!chain.missing().isEmpty()) {
            advice.add("The chain is not complete: " + chain.missing() + ".", "");
        }
        for (int depth = 0; depth < chain.layers().size(); depth++) {
            Layer layer = chain.layers().get(depth);
            advice.health(layer);
            advice.cache(layer, depth);
            advice.order(layer, depth);
            advice.compressed(layer, depth);
        }
        FirstWriteAdvice.of(chain, advice::add);
        advice.depth();
        advice.features(chain.top());
        return List.copyOf(advice.items);
    }

    private void add(String text, String command) {
        items.add(new Item(text, command));
    }

    /** Whether a part is large enough to speak of. */
    static boolean isMuch(long part, long all) {
        return part > 0 && part >= all / 100.0 * PERCENT_MIN;
    }

    static String percent(long part, long all) {
        if (part == 0 || all == 0) {
            return "0 %";
        }
        long tenths = Math.round(part * 1000.0 / all);
        return tenths == 0 ? "less than 0.1 %" : tenths / 10 + "." + tenths % 10 + " %";
    }

    // ---- of any layer

    private void health(Layer layer) {
        String repair = "gaur check -r all " + name(layer);
        boolean corrupt = layer.qcow2().map(ImageInfo.Qcow2::corrupt).orElse(false);
        boolean journal = layer.qcow2().map(ImageInfo.Qcow2::journal).orElse(false);
        if (corrupt) {
            add(name(layer) + " is marked as corrupt: nobody may write to it.", repair);
        } else if (layer.info().dirty()) {
            add(
                    name(layer)
                            + " was not closed cleanly: "
                            + (journal
                                    ? "its journal says what to repair, but programs other than"
                                            + " Gaur read all its tables first."
                                    : "who writes to it next reads all its tables first, to repair"
                                            + " it."),
                    repair);
        }
        long broken = layer.mapping().map(MappingReport::broken).orElse(0L);
        if (broken > 0) {
            add(
                    broken + " clusters of " + name(layer) + " have illegal entries.",
                    "gaur check " + name(layer));
        }
    }

    private void cache(Layer layer, int depth) {
        MappingReport mapping = layer.mapping().orElse(null);
        if (mapping == null || mapping.cacheBytesMost() <= mapping.cacheBound()) {
            return;
        }
        boolean fitsNow = mapping.cacheBytes() <= mapping.cacheBound();
        String text =
                "The tables of "
                        + name(layer)
                        + (fitsNow ? " may come to take " : " can take ")
                        + Sizes.human(mapping.cacheBytesMost())
                        + " of memory, and get "
                        + Sizes.human(mapping.cacheBound())
                        + " by default: random reads of all of the disk then wait for tables, too.";
        if (mapping.cacheBytesMost() > Runtime.getRuntime().maxMemory() / 2) {
            add(
                    text + " Larger clusters have smaller tables.",
                    AdviceCommands.convert(layer, "", LARGE_CLUSTERS));
            return;
        }
        long mebibytes = Math.ceilDiv(mapping.cacheBytesMost(), 1 << 20);
        String option = "backing.".repeat(depth) + "l2-cache-size=" + mebibytes + "M";
        add(text, AdviceCommands.serve(chain.top(), "," + option));
    }

    private void order(Layer layer, int depth) {
        MappingReport mapping = layer.mapping().orElse(null);
        if (mapping == null) {
            return;
        }
        long bytes = mapping.data() * layer.info().clusterSize();
        long piece = mapping.runs() == 0 ? 0 : bytes / mapping.runs();
        boolean scattered = isMuch(mapping.runs(), mapping.data()) && piece < PIECE_BYTES;
        if (mapping.data() >= DATA_MIN && scattered) {
            add(
                    "The data of "
                            + name(layer)
                            + " lies in "
                            + mapping.runs()
                            + " pieces of "
                            + Sizes.human(piece)
                            + " on average: reading the disk in order jumps about in the file."
                            + " A copy lies in order."
                            + aboutCopies(layer, depth),
                    AdviceCommands.convert(layer, "", ""));
        }
    }

    private void compressed(Layer layer, int depth) {
        MappingReport mapping = layer.mapping().orElse(null);
        if (mapping == null) {
            return;
        }
        long stored = mapping.data() + mapping.compressed();
        if (stored < COMPRESSED_MIN || !isMuch(mapping.compressed(), stored)) {
            return;
        }
        String writes = depth == 0 ? ", the first write to it moves it" : "";
        add(
                percent(mapping.compressed(), stored)
                        + " of the data of "
                        + name(layer)
                        + " is compressed: each read inflates a cluster"
                        + writes
                        + ". A plain copy inflates nothing, and takes more space."
                        + aboutCopies(layer, depth),
                AdviceCommands.convert(layer, "", ""));
        if (layer.qcow2().orElseThrow().compression().equals("zlib")) {
            add(
                    "If "
                            + name(layer)
                            + " has to stay compressed: zstd inflates faster than zlib (whole"
                            + " images 1.5 times, measured)."
                            + aboutCopies(layer, depth),
                    AdviceCommands.convert(layer, "-c ", "compression_type=zstd"));
        }
    }

    private static String aboutCopies(Layer layer, int depth) {
        String place = depth == 0 ? "" : " It has to take the old one's name then.";
        return place + (layer.info().snapshots().isEmpty() ? "" : " " + NO_SNAPSHOTS);
    }

    // ---- of the image

    private void depth() {
        int depth = chain.layers().size();
        if (depth <= DEPTH_GOOD || !chain.missing().isEmpty()) {
            return;
        }
        String text = "What the base has is looked for in " + depth + " images. ";
        if (!chain.top().info().snapshots().isEmpty()) {
            add(text + "Rebasing it would change what its internal snapshots hold.", "");
            return;
        }
        add(
                text + "Rebased, the image has what lies between, too.",
                AdviceCommands.rebase(chain.top(), chain.layers().getLast()));
    }

    private void features(Layer top) {
        MappingReport mapping = top.mapping().orElse(null);
        ImageInfo.Qcow2 qcow2 = top.qcow2().orElse(null);
        if (mapping == null || qcow2 == null) {
            return;
        }
        boolean large = mapping.cacheBytesMost() > CACHE_MIN;
        int cluster = top.info().clusterSize();
        if (cluster < CLUSTER_GOOD && large) {
            String better = mapping.below() > 0 ? FirstWriteAdvice.SUBCLUSTERS : "cluster_size=64k";
            add(
                    "Clusters of "
                            + Sizes.human(cluster)
                            + " need "
                            + CLUSTER_GOOD / cluster
                            + " times the tables of "
                            + Sizes.human(CLUSTER_GOOD)
                            + ", and are allocated as much more often.",
                    AdviceCommands.convert(top, "", better));
        }
        boolean copies = mapping.below() + mapping.shared() > 0;
        if (qcow2.extendedL2() && !copies && large) {
            add(
                    "Subclusters double the tables, and help only where first writes copy: nothing"
                            + " here does.",
                    AdviceCommands.convert(top, "", "extended_l2=off"));
        }
        if (qcow2.lazyRefcounts() && !qcow2.journal() && mapping.tableBytes() >= REPAIR_MIN) {
            add(
                    "After a crash who writes next repairs the lazy refcounts first: "
                            + Sizes.human(mapping.tableBytes())
                            + " of tables are read. With a journal Gaur has true counts in"
                            + " hundredths of a second; QEMU repairs as before.",
                    AdviceCommands.amend(top, "journal=on"));
        }
        if (qcow2.version() < 3) {
            add(
                    "Version 2 has no zero clusters: zeros and discards over a backing file or a"
                            + " snapshot take up space.",
                    AdviceCommands.amend(top, "compat=1.1"));
        }
    }
}
