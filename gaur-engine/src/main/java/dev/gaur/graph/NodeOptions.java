package dev.gaur.graph;

import dev.gaur.format.DetectZeroes;
import dev.gaur.format.DiscardOptions;
import dev.gaur.storage.StorageOptions;
import java.util.Locale;
import java.util.Optional;

/**
 * What every node may be told, whatever its driver; empty where it is not told.
 *
 * @param readOnly whether it must not be written to
 * @param forceShare whether it is opened without locks
 * @param unmap whether discards are obeyed
 * @param detectZeroes what becomes of written zeros
 * @param direct whether requests go past the page cache
 * @param noFlush whether flushes do nothing
 */
record NodeOptions(
        Optional<Boolean> readOnly,
        Optional<Boolean> forceShare,
        Optional<Boolean> unmap,
        Optional<DetectZeroes> detectZeroes,
        Optional<Boolean> direct,
        Optional<Boolean> noFlush) {
    private static final int NAME_MAX = 31;

    /** Takes them out of a node's options. */
    static NodeOptions read(OptionReader options) {
        checkName(options);
        Optional<Boolean> unmap =
                options.has("discard")
                        ? Optional.of(unmap(options.text("discard", "")))
                        : Optional.empty();
        Optional<DetectZeroes> zeroes =
                options.has("detect-zeroes")
                        ? Optional.of(
                                DetectZeroes.valueOf(
                                        options.word("detect-zeroes", "", "off", "on", "unmap")
                                                .toUpperCase(Locale.ROOT)))
                        : Optional.empty();
        options.flag("auto-read-only");
        return new NodeOptions(
                options.flag("read-only"),
                options.flag("force-share"),
                unmap,
                zeroes,
                options.flag("cache.direct"),
                options.flag("cache.no-flush"));
    }

    private static boolean unmap(String mode) {
        return switch (mode) {
            case "unmap", "on" -> true;
            case "ignore", "off" -> false;
            default -> throw OptionReader.refusal("Invalid discard option");
        };
    }

    private static void checkName(OptionReader options) {
        if (!options.has("node-name")) {
            return;
        }
        String name = options.text("node-name", "");
        if (name.length() > NAME_MAX) {
            throw OptionReader.refusal("Node name too long");
        }
        boolean legal = !name.isEmpty() && isLetter(name.charAt(0));
        for (int i = 0; i < name.length(); i++) {
            char c = name.charAt(i);
            legal &= isLetter(c) || (c >= '0' && c <= '9') || "-._".indexOf(c) >= 0;
        }
        if (!legal) {
            throw OptionReader.refusal("Invalid node-name: '" + name + "'");
        }
    }

    private static boolean isLetter(char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    }

    /** How storage is opened for this node, if its parent has it so. */
    StorageOptions storage(StorageOptions parent) {
        return new StorageOptions(
                parent.writable() && !readOnly.orElse(false),
                direct.orElse(parent.direct()),
                forceShare.orElse(parent.shared()),
                noFlush.orElse(parent.noFlush()),
                parent.locking());
    }

    /** What becomes of discards, if the parent has it so. */
    DiscardOptions discard(DiscardOptions parent) {
        return unmap.isPresent() ? parent.withUnmap(unmap.get()) : parent;
    }
}
