package dev.gaur.cli;

import dev.gaur.cli.AdviceChain.Layer;
import dev.gaur.format.ImageInfo;
import dev.gaur.format.MappingReport;
import dev.gaur.json.JsonWriter;
import dev.gaur.units.Sizes;
import java.util.List;

/** Shows what {@code gaur info --advice} found out. */
final class AdviceText {
    /** QEMU's bound for L2 tables on Linux. */
    private static final long QEMU_CACHE = 32L << 20;

    private static final int ENTRY = 8;
    private static final int EXTENDED_ENTRY = 16;

    private AdviceText() {}

    /** What a cache of QEMU needs to cover all of a disk: whole tables. */
    private static long qemuNeeds(Layer layer) {
        long clusters = Math.ceilDiv(layer.info().virtualSize(), layer.info().clusterSize());
        long perTable = layer.info().clusterSize() / entryBytes(layer);
        return Math.ceilDiv(clusters, perTable) * layer.info().clusterSize();
    }

    /** How much of a disk QEMU's cache covers by default. */
    private static long qemuCovers(Layer layer) {
        long covers = QEMU_CACHE / entryBytes(layer) * layer.info().clusterSize();
        return Math.min(covers, layer.info().virtualSize());
    }

    private static int entryBytes(Layer layer) {
        boolean extended = layer.qcow2().map(ImageInfo.Qcow2::extendedL2).orElse(false);
        return extended ? EXTENDED_ENTRY : ENTRY;
    }

    /** How much of a disk the default bound covers, however its clusters lie. */
    private static long covers(Layer layer, MappingReport mapping) {
        long size = layer.info().virtualSize();
        double share = (double) mapping.cacheBound() / Math.max(1, mapping.cacheBytesMost());
        return share >= 1 ? size : (long) (size * share);
    }

    // ---- for people

    static String human(AdviceChain chain, List<Advice.Item> advice) {
        StringBuilder text = new StringBuilder(1024);
        for (int depth = 0; depth < chain.layers().size(); depth++) {
            Layer layer = chain.layers().get(depth);
            boolean top = depth == 0;
            text.append(top ? "image: " : "backing file: ").append(layer.info().name());
            describe(text, layer);
            layer.mapping().ifPresent(mapping -> describe(text, layer, mapping, top));
        }
        text.append("advice:");
        if (advice.isEmpty()) {
            text.append(" none\n");
            return text.toString();
        }
        int number = 1;
        for (Advice.Item item : advice) {
            text.append("\n  ").append(number++).append(". ").append(item.text());
            if (!item.command().isEmpty()) {
                text.append("\n     ").append(item.command());
            }
        }
        return text.append('\n').toString();
    }

    private static void describe(StringBuilder text, Layer layer) {
        ImageInfo info = layer.info();
        text.append("\n  ").append(info.format()).append(", ");
        text.append(Sizes.human(info.virtualSize()));
        ImageInfo.Qcow2 qcow2 = layer.qcow2().orElse(null);
        if (qcow2 != null) {
            text.append(", version ").append(qcow2.version());
            text.append(", clusters of ").append(Sizes.human(info.clusterSize()));
            text.append(qcow2.extendedL2() ? " with subclusters" : "");
            text.append(qcow2.lazyRefcounts() ? ", lazy refcounts" : "");
            text.append(qcow2.journal() ? ", journal" : "");
            int snapshots = info.snapshots().size();
            text.append(snapshots == 0 ? "" : ", snapshots: " + snapshots);
        } else if (info.allocatedBytes() >= 0) {
            text.append(" in ").append(Sizes.human(info.allocatedBytes())).append(" of space");
            text.append("; no tables, so nothing to look up");
        }
        text.append('\n');
    }

    private static String share(Layer layer, long bytes) {
        return bytes == layer.info().virtualSize() ? "all" : Sizes.human(bytes);
    }

    private static void describe(
            StringBuilder text, Layer layer, MappingReport mapping, boolean top) {
        if (!mapping.exact()) {
            text.append("  (a part of the tables was looked at: numbers are estimates)\n");
        }
        long covers = covers(layer, mapping);
        text.append("  cache: the tables take ").append(Sizes.human(mapping.cacheBytes()));
        text.append(" now, ").append(Sizes.human(mapping.cacheBytesMost())).append(" at most;");
        text.append(" the default of ").append(Sizes.human(mapping.cacheBound()));
        text.append(" covers ");
        text.append(share(layer, covers));
        text.append(" of the disk\n  cache in QEMU: l2-cache-size=").append(qemuNeeds(layer));
        text.append(" covers all; the default of ").append(Sizes.human(QEMU_CACHE));
        text.append(" covers ").append(share(layer, qemuCovers(layer))).append('\n');
        text.append("  layout: ");
        if (mapping.data() == 0) {
            text.append("no data\n");
        } else {
            long bytes = mapping.data() * layer.info().clusterSize();
            text.append(Sizes.human(bytes)).append(" of data in ").append(mapping.runs());
            text.append(mapping.runs() == 1 ? " piece" : " pieces");
            text.append(" of ").append(Sizes.human(bytes / Math.max(1, mapping.runs())));
            text.append(" on average; of the clusters ").append(inOrder(mapping));
            text.append(" follow the one before\n");
        }
        if (top) {
            firstWrites(text, mapping);
            text.append("  after a crash: ").append(afterCrash(layer, mapping)).append('\n');
        }
    }

    private static String afterCrash(Layer layer, MappingReport mapping) {
        String repair = "repairs all counts first, and reads " + Sizes.human(mapping.tableBytes());
        return switch (recovery(layer)) {
            case "journal" -> "Gaur has all counts from the journal at once; QEMU " + repair;
            case "repair" -> "who writes next " + repair;
            default -> "nothing waits; space may be lost until a check finds it";
        };
    }

    /** What it takes to write again after a crash. */
    private static String recovery(Layer layer) {
        ImageInfo.Qcow2 qcow2 = layer.qcow2().orElseThrow();
        return qcow2.journal() ? "journal" : qcow2.lazyRefcounts() ? "repair" : "leaks";
    }

    private static String inOrder(MappingReport mapping) {
        long pairs = mapping.data() - 1;
        return pairs == 0 ? "100.0 %" : Advice.percent(mapping.data() - mapping.runs(), pairs);
    }

    private static void firstWrites(StringBuilder text, MappingReport mapping) {
        text.append("  next writes:");
        append(text, mapping.own(), mapping, "in place");
        append(text, mapping.shared(), mapping, "copy what snapshots have");
        append(text, mapping.compressed(), mapping, "copy compressed clusters");
        append(text, mapping.below(), mapping, "copy from the backing file");
        append(text, mapping.zeros() + mapping.empty(), mapping, "take new space, copy nothing");
        text.setCharAt(text.length() - 1, '\n');
    }

    private static void append(
            StringBuilder text, long clusters, MappingReport mapping, String what) {
        if (clusters > 0) {
            text.append(' ').append(Advice.percent(clusters, mapping.clusters()));
            text.append(' ').append(what).append(',');
        }
    }

    // ---- for programs

    static String json(AdviceChain chain, List<Advice.Item> advice) {
        JsonWriter json = JsonWriter.pretty().beginObject();
        json.entry("filename", chain.top().info().name());
        json.entry("virtual-size", chain.top().info().virtualSize());
        json.entry("depth", chain.layers().size());
        json.key("layers").beginArray();
        for (Layer layer : chain.layers()) {
            json.beginObject().entry("filename", layer.info().name());
            json.entry("format", layer.info().format());
            json.entry("virtual-size", layer.info().virtualSize());
            layer.mapping().ifPresent(mapping -> json(json, layer, mapping));
            json.endObject();
        }
        json.endArray().key("advice").beginArray();
        for (Advice.Item item : advice) {
            json.beginObject().entry("text", item.text());
            if (!item.command().isEmpty()) {
                json.entry("command", item.command());
            }
            json.endObject();
        }
        return json.endArray().endObject() + "\n";
    }

    private static void json(JsonWriter json, Layer layer, MappingReport mapping) {
        json.entry("cluster-size", layer.info().clusterSize());
        json.entry("exact", mapping.exact());
        json.entry("after-crash", recovery(layer));
        json.key("cache").beginObject().entry("bytes", mapping.cacheBytes());
        json.entry("bytes-most", mapping.cacheBytesMost());
        json.entry("default-bytes", mapping.cacheBound());
        json.entry("default-covers", covers(layer, mapping));
        json.entry("qemu-bytes", qemuNeeds(layer));
        json.entry("qemu-default-covers", qemuCovers(layer)).endObject();
        json.key("clusters").beginObject().entry("own", mapping.own());
        json.entry("shared", mapping.shared()).entry("compressed", mapping.compressed());
        json.entry("zeros", mapping.zeros()).entry("below", mapping.below());
        json.entry("empty", mapping.empty()).entry("broken", mapping.broken()).endObject();
        json.entry("table-bytes", mapping.tableBytes());
        json.entry("data-clusters", mapping.data()).entry("pieces", mapping.runs());
    }
}
