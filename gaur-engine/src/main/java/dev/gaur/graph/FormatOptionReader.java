package dev.gaur.graph;

import dev.gaur.format.CacheOptions;
import dev.gaur.format.DiscardOptions;
import dev.gaur.format.FormatOptions;
import dev.gaur.format.OverlapChecks;
import dev.gaur.format.OverlapChecks.Structure;
import java.util.EnumSet;
import java.util.Optional;
import java.util.Set;

/** Reads what qcow2 may be told when an image is opened. */
final class FormatOptionReader {
    static final String ENTRY_SIZE = "l2-cache-entry-size";

    private static final String COW_SIZE = "cow-cache-size";

    private static final long AUTO = FormatOptions.AUTO;
    private static final long SECONDS_MAX = 0xffff_ffffL;
    private static final int ENTRY_MIN = 512;
    private static final String TEMPLATE = "overlap-check";

    private FormatOptionReader() {}

    /**
     * Takes the options of qcow2 out of those of a node.
     *
     * @param base what counts where nothing is told
     * @param clusterSize what the image says of it; needed only with {@link #ENTRY_SIZE}
     */
    static FormatOptions qcow2(OptionReader options, FormatOptions base, long clusterSize) {
        FormatOptions found = caches(options, base);
        checkEntrySize(found.caches().mappingEntryBytes(), clusterSize);
        checkEncryption(options);
        Optional<Boolean> lazy = options.flag("lazy-refcounts");
        return found.withLazyRefcounts(lazy.isPresent() ? lazy : base.lazyRefcounts())
                .withDiscard(discard(options, base.discard()))
                .withOverlapChecks(overlapChecks(options))
                .withCowCacheBytes(waiting(options, base.caches().cowBytes()));
    }

    private static void checkEntrySize(long bytes, long clusterSize) {
        boolean legal = bytes >= ENTRY_MIN && bytes <= clusterSize && Long.bitCount(bytes) == 1;
        if (bytes != AUTO && !legal) {
            throw OptionReader.refusal(
                    "L2 cache entry size must be a power of two between 512 and the cluster size"
                            + " (%d)".formatted(clusterSize));
        }
    }

    /** There are no keys to be had yet; what is encrypted is refused elsewhere. */
    private static void checkEncryption(OptionReader options) {
        options.text("encrypt.key-secret", "");
        String format = options.text("encrypt.format", "");
        if (!format.isEmpty()) {
            throw OptionReader.refusal(
                    "No encryption in image header, but options specified format '%s'"
                            .formatted(format));
        }
    }

    private static FormatOptions caches(OptionReader options, FormatOptions base) {
        long total = size(options, "cache-size");
        long tables = size(options, "l2-cache-size");
        long counts = size(options, "refcount-cache-size");
        long entry = size(options, ENTRY_SIZE);
        boolean timed = !isAuto(options, "cache-clean-interval");
        long interval = timed ? options.number("cache-clean-interval", AUTO) : AUTO;
        if (total != AUTO && tables != AUTO && counts != AUTO) {
            throw OptionReader.refusal(
                    "cache-size, l2-cache-size and refcount-cache-size may not be set at the same"
                            + " time");
        }
        if (total != AUTO && tables > total) {
            throw OptionReader.refusal("l2-cache-size may not exceed cache-size");
        }
        if (total != AUTO && counts > total) {
            throw OptionReader.refusal("refcount-cache-size may not exceed cache-size");
        }
        if (timed && (interval < 0 || interval > SECONDS_MAX)) {
            throw OptionReader.refusal("Cache clean interval too big");
        }
        boolean told = total != AUTO || options.has("l2-cache-size");
        long own = told ? AUTO : base.metadataCacheBytes();
        return base.withMetadataCacheBytes(tables == AUTO ? own : tables)
                .withCaches(new CacheOptions(total, entry, counts, interval));
    }

    /** Reads a size that may also be the word {@code auto}, which is as if it were not given. */
    private static long size(OptionReader options, String key) {
        return isAuto(options, key) ? AUTO : options.size(key, AUTO);
    }

    /** QEMU does not know the word. */
    private static boolean isAuto(OptionReader options, String key) {
        return !options.has(key) || options.text(key, "").equals("auto");
    }

    /** How much may wait in memory for the rest of its cluster; QEMU has nothing like it. */
    private static long waiting(OptionReader options, long base) {
        boolean auto = options.text(COW_SIZE, "").equals("auto");
        return auto ? AUTO : options.size(COW_SIZE, base);
    }

    private static DiscardOptions discard(OptionReader options, DiscardOptions base) {
        return new DiscardOptions(
                base.unmap(),
                options.flag("pass-discard-request", base.passRequest()),
                options.flag("pass-discard-snapshot", base.passSnapshot()),
                options.flag("pass-discard-other", base.passOther()),
                options.flag("discard-no-unref", base.noUnref()));
    }

    private static OverlapChecks overlapChecks(OptionReader options) {
        String key = TEMPLATE + ".template";
        boolean both = options.has(TEMPLATE) && options.has(key);
        String template = options.text(key, "cached");
        String name = options.text(TEMPLATE, template);
        if (both && !name.equals(template)) {
            throw OptionReader.refusal(
                    "Conflicting values for qcow2 options 'overlap-check' ('%s') and"
                                    .formatted(name)
                            + " 'overlap-check.template' ('%s')".formatted(template));
        }
        OverlapChecks base = template(name);
        Set<Structure> structures = EnumSet.noneOf(Structure.class);
        for (Structure each : Structure.values()) {
            String single = TEMPLATE + "." + each.option();
            if (options.flag(single, base.structures().contains(each))) {
                structures.add(each);
            }
        }
        return new OverlapChecks(structures);
    }

    private static OverlapChecks template(String name) {
        return switch (name) {
            case "cached" -> OverlapChecks.CACHED;
            case "none" -> OverlapChecks.NONE;
            case "constant" -> OverlapChecks.CONSTANT;
            case "all" -> OverlapChecks.ALL;
            default ->
                    throw OptionReader.refusal(
                            "Unsupported value '%s' for qcow2 option 'overlap-check'."
                                            .formatted(name)
                                    + " Allowed are any of the following: none, constant, cached,"
                                    + " all");
        };
    }
}
