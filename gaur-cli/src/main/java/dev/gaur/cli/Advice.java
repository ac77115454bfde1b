package dev.gaur.cli;

import dev.gaur.cli.AdviceChain.Layer;
import dev.gaur.format.ImageInfo;
import dev.gaur.format.MappingReport;
import dev.gaur.storage.Reference;
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

    /** Pieces larger than this are read as fast as one. */
    private static final long PIECE_BYTES = 1 << 20;

    /** A cache that small is no reason for anything. */
    private static final long CACHE_MIN = 4 << 20;

    private static final String LARGE_CLUSTERS = "cluster_size=1M";
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
            advice.order(layer);
        }
        advice.firstWrites(chain.top());
        advice.depth();
        advice.features(chain.top());
        return List.copyOf(advice.items);
    }

    private void add(String text, String command) {
        items.add(new Item(text, command));
    }

    private static String name(Layer layer) {
        return quoted(layer.info().name());
    }

    /** As a shell wants it. */
    static String quoted(String name) {
        boolean plain = !name.isEmpty() && !name.startsWith("-");
        for (int i = 0; i < name.length() && plain; i++) {
            char c = name.charAt(i);
            plain = Character.isLetterOrDigit(c) || "/._-+:,@%".indexOf(c) >= 0;
        }
        return plain ? name : "'" + name.replace("'", "'\\''") + "'";
    }

    /** Whether a part is large enough to speak of. */
    private static boolean isMuch(long part, long all) {
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
        if (corrupt) {
            add(name(layer) + " is marked as corrupt: nobody may write to it.", repair);
        } else if (layer.info().dirty()) {
            add(
                    name(layer)
                            + " was not closed cleanly: who writes to it next reads all its tables"
                            + " first, to repair it.",
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
            add(text + " Larger clusters have smaller tables.", convert(layer, LARGE_CLUSTERS));
            return;
        }
        String option = "backing.".repeat(depth) + "l2-cache-size=";
        String file = chain.top().info().name().replace(",", ",,");
        add(
                text,
                "gaur serve --image-opts "
                        + quoted(
                                "driver=qcow2,file.filename="
                                        + file
                                        + ","
                                        + option
                                        + Math.ceilDiv(mapping.cacheBytesMost(), 1 << 20)
                                        + "M"));
    }

    private void order(Layer layer) {
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
                            + withoutSnapshots(layer),
                    convert(layer, ""));
        }
        long stored = mapping.data() + mapping.compressed();
        if (isMuch(mapping.compressed(), stored)) {
            add(
                    percent(mapping.compressed(), stored)
                            + " of the data of "
                            + name(layer)
                            + " is compressed: each read inflates a cluster, the first write to it"
                            + " moves it. A plain copy needs neither."
                            + withoutSnapshots(layer),
                    convert(layer, ""));
        }
    }

    private static String withoutSnapshots(Layer layer) {
        return layer.info().snapshots().isEmpty() ? "" : " It has no internal snapshots.";
    }

    /** Returns the command that copies a layer; what lies below it stays there. */
    private static String convert(Layer layer, String options) {
        Reference backing = layer.info().backing().orElse(null);
        StringBuilder command = new StringBuilder("gaur convert -O qcow2");
        if (backing != null) {
            command.append(" -B ").append(quoted(backing.name()));
            if (!backing.format().isEmpty()) {
                command.append(" -F ").append(backing.format());
            }
        }
        command.append(options.isEmpty() ? "" : " -o " + options);
        return command.append(' ').append(name(layer)).append(" NEW").toString();
    }

    // ---- of the image

    private void firstWrites(Layer top) {
        MappingReport mapping = top.mapping().orElse(null);
        if (mapping == null) {
            return;
        }
        String cluster = Sizes.human(top.info().clusterSize());
        int snapshots = top.info().snapshots().size();
        if (snapshots > 0 && isMuch(mapping.shared(), mapping.clusters())) {
            add(
                    percent(mapping.shared(), mapping.clusters())
                            + " of the disk belongs to internal snapshots, too: the first write to"
                            + " each "
                            + cluster
                            + " of it copies the rest. Snapshots that nobody needs can go.",
                    "gaur snapshot -d ID " + name(top));
        }
        boolean extended = top.qcow2().map(ImageInfo.Qcow2::extendedL2).orElse(false);
        if (!extended && isMuch(mapping.below(), mapping.clusters())) {
            add(
                    percent(mapping.below(), mapping.clusters())
                            + " of the disk lies in the backing file: a first write to less than "
                            + cluster
                            + " of it copies the rest. A copy of the image with subclusters copies"
                            + " 4 KiB at most at each end of a write."
                            + withoutSnapshots(top),
                    convert(top, "extended_l2=on,cluster_size=128k"));
        }
    }

    private void depth() {
        int depth = chain.layers().size();
        if (depth <= DEPTH_GOOD) {
            return;
        }
        Layer base = chain.layers().getLast();
        add(
                "What the base has is looked for in "
                        + depth
                        + " images. Rebased, the image has what lies between, too.",
                "gaur rebase -b "
                        + name(base)
                        + " -F "
                        + base.info().format()
                        + " "
                        + name(chain.top()));
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
            add(
                    "Clusters of "
                            + Sizes.human(cluster)
                            + " need "
                            + CLUSTER_GOOD / cluster
                            + " times the tables of "
                            + Sizes.human(CLUSTER_GOOD)
                            + ", and are allocated as much more often.",
                    convert(top, "cluster_size=64k"));
        }
        boolean copies = mapping.below() + mapping.shared() > 0;
        if (qcow2.extendedL2() && !copies && large) {
            add(
                    "Subclusters double the tables, and help only where first writes copy: nothing"
                            + " here does.",
                    convert(top, "extended_l2=off"));
        }
        if (qcow2.version() < 3) {
            add(
                    "Version 2 has no zero clusters: zeros and discards over a backing file or a"
                            + " snapshot take up space.",
                    "gaur amend -o compat=1.1 " + name(top));
        }
    }
}
