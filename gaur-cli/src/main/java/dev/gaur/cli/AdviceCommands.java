package dev.gaur.cli;

import dev.gaur.cli.AdviceChain.Layer;
import dev.gaur.format.ImageInfo;
import dev.gaur.storage.Reference;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;

/** The commands that go with advice, as they are typed into a shell. */
final class AdviceCommands {
    private static final int CLUSTER_DEFAULT = 64 << 10;
    private static final int MIB = 1 << 20;
    private static final String ON = "on";

    private AdviceCommands() {}

    /** As a shell wants it. */
    static String quoted(String name) {
        boolean plain = !name.isEmpty() && !name.startsWith("-");
        for (int i = 0; i < name.length() && plain; i++) {
            char c = name.charAt(i);
            plain = Character.isLetterOrDigit(c) || "/._-+:,@%".indexOf(c) >= 0;
        }
        return plain ? name : "'" + name.replace("'", "'\\''") + "'";
    }

    static String name(Layer layer) {
        return quoted(layer.info().name());
    }

    /**
     * Returns the command that copies a layer to a file beside it: what lies below stays there, and
     * what the layer was created with is kept.
     *
     * @param options what the copy has instead
     * @param flags of {@code convert}, each with a space behind it
     */
    static String convert(Layer layer, String flags, String options) {
        Reference backing = layer.info().backing().orElse(null);
        StringBuilder command = new StringBuilder("gaur convert ").append(flags).append("-O qcow2");
        if (backing != null) {
            command.append(" -B ").append(quoted(backing.name()));
            if (!backing.format().isEmpty()) {
                command.append(" -F ").append(backing.format());
            }
        }
        String all = allOptions(layer, options);
        command.append(all.isEmpty() ? "" : " -o " + all);
        String beside = folder(layer.info().name()) + "NEW";
        return command + " " + name(layer) + " " + quoted(beside);
    }

    private static String allOptions(Layer layer, String options) {
        Map<String, String> all = new LinkedHashMap<>();
        if (layer.info().clusterSize() != CLUSTER_DEFAULT) {
            all.put("cluster_size", size(layer.info().clusterSize()));
        }
        ImageInfo.Qcow2 qcow2 = layer.qcow2().orElseThrow();
        if (qcow2.extendedL2()) {
            all.put("extended_l2", ON);
        }
        if (qcow2.lazyRefcounts()) {
            all.put("lazy_refcounts", ON);
        }
        if (qcow2.journal()) {
            all.put("journal", ON);
        }
        for (String option : options.isEmpty() ? new String[0] : options.split(",")) {
            int equals = option.indexOf('=');
            all.put(option.substring(0, equals), option.substring(equals + 1));
        }
        StringBuilder text = new StringBuilder();
        all.forEach((key, value) -> text.append(',').append(key).append('=').append(value));
        return text.isEmpty() ? "" : text.substring(1);
    }

    private static String size(int bytes) {
        if (bytes % MIB == 0) {
            return bytes / MIB + "M";
        }
        return bytes % 1024 == 0 ? bytes / 1024 + "k" : Integer.toString(bytes);
    }

    /** Returns the command that serves an image with a driver's option. */
    static String serve(Layer top, String option) {
        String file = top.info().name().replace(",", ",,");
        return "gaur serve --image-opts " + quoted("driver=qcow2,file.filename=" + file + option);
    }

    static String amend(Layer layer, String options) {
        return "gaur amend -o " + options + " " + name(layer);
    }

    /** Returns the command after which an image lies over its base alone. */
    static String rebase(Layer top, Layer base) {
        String folder = folder(top.info().name());
        String name = base.info().name();
        if (!isUrl(name)) { // A relative name is looked for beside the image.
            boolean beside = name.startsWith(folder) && !folder.isEmpty();
            boolean same = folder.isEmpty() || Path.of(name).isAbsolute();
            name = beside ? name.substring(folder.length()) : name;
            name = beside || same ? name : Path.of(name).toAbsolutePath().toString();
        }
        return "gaur rebase -b " + quoted(name) + " -F " + base.info().format() + " " + name(top);
    }

    private static boolean isUrl(String name) {
        return name.contains("://") || name.startsWith("json:") || name.startsWith("nbd:");
    }

    /** The folder of a file with a slash behind it; empty for that of the shell. */
    private static String folder(String name) {
        return isUrl(name) ? "" : name.substring(0, name.lastIndexOf('/') + 1);
    }
}
