package dev.gaur.graph;

import dev.gaur.block.BlockException;
import dev.gaur.units.SizeException;
import dev.gaur.units.Sizes;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * Takes the options of one node out of a tree, and tells which are left that no driver knows. All
 * errors have QEMU's words. For one thread.
 */
final class OptionReader {
    private final OptionTree tree;
    private final Set<String> left;

    OptionReader(OptionTree tree) {
        this.tree = tree;
        this.left = new LinkedHashSet<>(tree.keys());
    }

    static BlockException.Unsupported refusal(String text) {
        return new BlockException.Unsupported("", "", text);
    }

    boolean has(String key) {
        return tree.has(key);
    }

    String text(String key, String otherwise) {
        left.remove(key);
        return tree.text(key, otherwise);
    }

    /** Reads a truth, empty if it is not given. */
    Optional<Boolean> flag(String key) {
        left.remove(key);
        if (!tree.has(key)) {
            return Optional.empty();
        }
        return switch (tree.text(key, "")) {
            case "on", "yes", "true", "y" -> Optional.of(true);
            case "off", "no", "false", "n" -> Optional.of(false);
            default -> throw refusal("Parameter '" + key + "' expects 'on' or 'off'");
        };
    }

    boolean flag(String key, boolean otherwise) {
        return flag(key).orElse(otherwise);
    }

    /** Reads a size in bytes. */
    long size(String key, long otherwise) {
        left.remove(key);
        if (!tree.has(key)) {
            return otherwise;
        }
        try {
            return Sizes.parseClamped(tree.text(key, ""));
        } catch (SizeException wrong) {
            if (wrong.outOfRange()) {
                String text = tree.text(key, "");
                throw refusal("Value '%s' is out of range for parameter '%s'".formatted(text, key));
            }
            throw refusal(
                    "Parameter '"
                            + key
                            + "' expects a non-negative number below 2^64\n"
                            + "Optional suffix k, M, G, T, P or E means kilo-, mega-, giga-, tera-,"
                            + " peta-\nand exabytes, respectively.");
        }
    }

    /** Reads a number without a unit. */
    long number(String key, long otherwise) {
        left.remove(key);
        if (!tree.has(key)) {
            return otherwise;
        }
        try {
            return Long.decode(tree.text(key, ""));
        } catch (NumberFormatException _) {
            throw refusal("Parameter '" + key + "' expects a number");
        }
    }

    /** Reads one of some words; others are refused as QEMU's schema does. */
    String word(String key, String otherwise, String... words) {
        String value = text(key, otherwise);
        if (!List.of(words).contains(value)) {
            throw refusal("invalid parameter value: " + value);
        }
        return value;
    }

    /** Takes the options of a child. */
    OptionTree child(String name) {
        OptionTree child = tree.child(name);
        for (String key : child.keys()) {
            left.remove(name + "." + key);
        }
        return child;
    }

    /** Takes the elements of a list of children, in the order of their numbers. */
    List<OptionTree> children(String name) {
        List<OptionTree> all = new ArrayList<>();
        for (int i = 0; ; i++) {
            OptionTree each = child(name + "." + i);
            if (each.isEmpty()) {
                return all;
            }
            all.add(each);
        }
    }

    boolean isWithoutChild(String name) {
        return tree.child(name).isEmpty();
    }

    /** Takes all that is left. */
    OptionTree rest() {
        OptionTree rest = tree;
        for (String key : tree.keys()) {
            rest = left.contains(key) ? rest : rest.without(key);
        }
        left.clear();
        return rest;
    }

    boolean takeNull(String key) {
        boolean isNull = tree.isNull(key);
        if (isNull) {
            left.remove(key);
        }
        return isNull;
    }

    /** Returns the first option that nobody asked for, if there is one. */
    Optional<String> unknown() {
        return left.isEmpty() ? Optional.empty() : Optional.of(left.iterator().next());
    }

    /** Refuses what no format driver knows. */
    void endOfFormat(String driver) {
        if (unknown().isPresent()) {
            throw refusal(
                    "Block format '%s' does not support the option '%s'"
                            .formatted(driver, unknown().get()));
        }
    }

    /** Refuses what no driver of storage knows. */
    void endOfProtocol(String driver) {
        if (unknown().isPresent()) {
            throw refusal(
                    "Block protocol '%s' doesn't support the option '%s'"
                            .formatted(driver, unknown().get()));
        }
    }
}
