package dev.gaur.graph;

import dev.gaur.block.BlockException;
import dev.gaur.json.FlatJson;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.SequencedMap;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Options of a tree of drivers, as the user wrote them: {@code driver=qcow2,file.filename=x}, or
 * the same as JSON. Kept flat, with dotted keys; a null value means that the child shall not be
 * there. Never made of anything that an image says. Immutable.
 */
public final class OptionTree {
    /** No options. */
    public static final OptionTree EMPTY = new OptionTree(new LinkedHashMap<>(), List.of());

    private static final String DRIVER = "driver";

    /** What any node has, and its child. */
    private static final Set<String> GENERIC =
            Set.of(
                    DRIVER,
                    "image",
                    "node-name",
                    "read-only",
                    "auto-read-only",
                    "force-share",
                    "cache",
                    "discard",
                    "detect-zeroes");

    private final SequencedMap<String, @Nullable String> entries;
    private final List<String> warnings;

    private OptionTree(SequencedMap<String, @Nullable String> entries, List<String> warnings) {
        this.entries = entries;
        this.warnings = warnings;
    }

    /**
     * Reads {@code key=value,key=value}; a comma in a value is doubled. A key alone is on, and off
     * with {@code no} before it, as it used to be in QEMU.
     */
    public static OptionTree ofOptions(String text) {
        SequencedMap<String, @Nullable String> entries = new LinkedHashMap<>();
        List<String> warnings = new ArrayList<>();
        for (String option : split(text)) {
            int equals = option.indexOf('=');
            if (equals >= 0) {
                entries.put(option.substring(0, equals), option.substring(equals + 1));
                if (option.equals("backing=")) {
                    warnings.add(
                            "Use of \"backing\": \"\" is deprecated; use \"backing\": null"
                                    + " instead");
                }
                continue;
            }
            boolean off = option.startsWith("no");
            String key = off ? option.substring(2) : option;
            entries.put(key, off ? "off" : "on");
            warnings.add(
                    "short-form boolean option '%s' deprecated\nPlease use %s=%s instead"
                            .formatted(option, key, off ? "off" : "on"));
        }
        return new OptionTree(entries, warnings);
    }

    /**
     * The same for an image of qemu-img: a word alone at the beginning names a node. Nodes have no
     * names here, so it will be refused.
     */
    static OptionTree ofImageOpts(String text) {
        boolean named = !split(text).isEmpty() && split(text).getFirst().indexOf('=') < 0;
        return ofOptions(named ? "file=" + text : text);
    }

    private static List<String> split(String text) {
        List<String> options = new ArrayList<>();
        StringBuilder option = new StringBuilder();
        for (int i = 0; i < text.length(); i++) {
            boolean comma = text.charAt(i) == ',';
            boolean doubled = comma && i + 1 < text.length() && text.charAt(i + 1) == ',';
            if (comma && !doubled) {
                options.add(option.toString());
                option.setLength(0);
            } else {
                option.append(text.charAt(i));
                i += doubled ? 1 : 0;
            }
        }
        if (!option.isEmpty()) {
            options.add(option.toString());
        }
        return options;
    }

    /**
     * Reads a JSON object.
     *
     * @throws BlockException.Unsupported if it is none, in QEMU's words
     */
    public static OptionTree ofJson(String text) {
        try {
            return new OptionTree(FlatJson.read(text), List.of());
        } catch (IllegalArgumentException wrong) {
            throw new BlockException.Unsupported("", "", String.valueOf(wrong.getMessage()));
        }
    }

    /** Returns what the user should be told of the form of the options. */
    public List<String> warnings() {
        return warnings;
    }

    /** Tells whether there is no option. */
    public boolean isEmpty() {
        return entries.isEmpty();
    }

    /** Tells whether an option is given, be it as null. */
    public boolean has(String key) {
        return entries.containsKey(key);
    }

    /** Tells whether an option is given as what means on. */
    public boolean isOn(String key) {
        return new OptionReader(this).flag(key, false);
    }

    /** Tells whether an option is given as null. */
    boolean isNull(String key) {
        return entries.containsKey(key) && entries.get(key) == null;
    }

    /** Returns an option, {@code otherwise} if it is not given. */
    public String text(String key, String otherwise) {
        String value = entries.get(key);
        return value == null ? otherwise : value;
    }

    /** Returns the options whose keys begin with {@code name} and a dot, without that. */
    OptionTree child(String name) {
        SequencedMap<String, @Nullable String> found = new LinkedHashMap<>();
        String prefix = name + ".";
        for (Map.Entry<String, @Nullable String> entry : entries.entrySet()) {
            if (entry.getKey().startsWith(prefix)) {
                found.put(entry.getKey().substring(prefix.length()), entry.getValue());
            }
        }
        return new OptionTree(found, List.of());
    }

    /** Returns all keys, in order. */
    public List<String> keys() {
        return List.copyOf(entries.keySet());
    }

    /** Returns these options and others, which count where both have one. */
    public OptionTree with(OptionTree other) {
        SequencedMap<String, @Nullable String> all = new LinkedHashMap<>(entries);
        all.putAll(other.entries);
        return new OptionTree(all, warnings);
    }

    /**
     * Finds an option that {@code changes} would change and that stays as it is while an image is
     * open: what a {@code blkdebug} node was told.
     *
     * @return its name within the node; empty if there is none
     */
    public Optional<String> fixedOption(OptionTree changes) {
        for (String key : changes.entries.keySet()) {
            String own = debugOption(key);
            boolean generic = own.isEmpty() || GENERIC.contains(own.split("\\.", 2)[0]);
            if (!generic && !Objects.equals(entries.get(key), changes.entries.get(key))) {
                return Optional.of(own);
            }
        }
        return Optional.empty();
    }

    /** What a key says to a node of {@code blkdebug}; empty if it is for another one. */
    private String debugOption(String key) {
        for (Map.Entry<String, @Nullable String> each : entries.entrySet()) {
            String name = each.getKey();
            if (name.endsWith(DRIVER) && "blkdebug".equals(each.getValue())) {
                String node = name.substring(0, name.length() - DRIVER.length());
                if (key.startsWith(node)) {
                    return key.substring(node.length());
                }
            }
        }
        return "";
    }

    /** Returns these options and one more, which counts if there was one of that name. */
    OptionTree with(String key, String value) {
        SequencedMap<String, @Nullable String> all = new LinkedHashMap<>(entries);
        all.put(key, value);
        return new OptionTree(all, warnings);
    }

    /** Returns these options without one. */
    public OptionTree without(String key) {
        SequencedMap<String, @Nullable String> all = new LinkedHashMap<>(entries);
        all.remove(key);
        return new OptionTree(all, warnings);
    }

    @Override
    public String toString() {
        StringBuilder text = new StringBuilder();
        for (Map.Entry<String, @Nullable String> entry : entries.entrySet()) {
            text.append(text.isEmpty() ? "" : ",").append(entry.getKey()).append('=');
            text.append(String.valueOf(entry.getValue()).replace(",", ",,"));
        }
        return text.toString();
    }
}
