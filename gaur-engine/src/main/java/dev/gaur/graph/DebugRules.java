package dev.gaur.graph;

import dev.gaur.block.BlockEvent;
import dev.gaur.filter.BlkDebug;
import dev.gaur.filter.DebugRule;
import dev.gaur.filter.DebugRule.IoType;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/** Reads the rules of {@code blkdebug}, from options and from the file that they name. */
final class DebugRules {
    private static final String INJECT = "inject-error";
    private static final String SET_STATE = "set-state";
    private static final List<String> INJECT_KEYS =
            List.of("event", "state", "iotype", "errno", "sector", "once", "immediately");
    private static final List<String> SET_STATE_KEYS = List.of("event", "state", "new_state");
    private static final int EIO = 5;
    private static final int SECTOR = 512;
    private static final List<String> SIZES =
            List.of(
                    "align",
                    "max-transfer",
                    "opt-write-zero",
                    "max-write-zero",
                    "opt-discard",
                    "max-discard");

    private final List<DebugRule> rules = new ArrayList<>();

    private DebugRules() {}

    List<DebugRule> all() {
        return rules;
    }

    /** Takes the rules out of the options of a node. */
    static DebugRules read(OptionReader options) {
        DebugRules found = new DebugRules();
        String config = options.text("config", "");
        if (!config.isEmpty()) {
            found.readFile(config);
        }
        options.children(INJECT).forEach(each -> found.inject(new OptionReader(each)));
        options.children(SET_STATE).forEach(each -> found.setState(new OptionReader(each)));
        for (String limit : SIZES) { // Ours has no limits to try; the values must make sense.
            long size = options.size(limit, 0);
            if (limit.equals("align") && Long.bitCount(size) > 1) {
                throw OptionReader.refusal("Cannot meet constraints with align " + size);
            }
        }
        return found;
    }

    private void inject(OptionReader options) {
        BlockEvent event = event(options);
        int state = (int) options.number("state", 0);
        String type = options.text("iotype", "");
        Set<IoType> types =
                type.isEmpty()
                        ? DebugRule.ALL_IO
                        : BlkDebug.types(type)
                                .orElseThrow(
                                        () ->
                                                OptionReader.refusal(
                                                        "invalid parameter value: " + type));
        int errno = (int) options.number("errno", EIO);
        long sector = options.number("sector", -1);
        boolean once = options.flag("once", false);
        options.flag("immediately");
        end(options, INJECT);
        long offset = sector < 0 ? -1 : sector * SECTOR;
        rules.add(new DebugRule.InjectError(event, state, types, errno, offset, once));
    }

    private void setState(OptionReader options) {
        BlockEvent event = event(options);
        int state = (int) options.number("state", 0);
        int newState = (int) options.number("new_state", 0);
        end(options, SET_STATE);
        rules.add(new DebugRule.SetState(event, state, newState));
    }

    private static BlockEvent event(OptionReader options) {
        if (!options.has("event")) {
            throw OptionReader.refusal("Missing event name for rule");
        }
        String name = options.text("event", "");
        return BlockEvent.named(name)
                .orElseThrow(() -> OptionReader.refusal("invalid parameter value: " + name));
    }

    private static void end(OptionReader options, String section) {
        if (options.unknown().isPresent()) {
            throw OptionReader.refusal(
                    "[%s] section doesn't support the option '%s'"
                            .formatted(section, options.unknown().get()));
        }
    }

    private void readFile(String name) {
        List<String> lines;
        try {
            lines = Files.readAllLines(Path.of(name), StandardCharsets.UTF_8);
        } catch (NoSuchFileException | InvalidPathException _) {
            throw OptionReader.refusal(
                    "Could not read blkdebug config file: No such file or directory");
        } catch (IOException failure) {
            throw OptionReader.refusal(
                    "Could not read blkdebug config file: " + failure.getMessage());
        }
        String section = "";
        OptionTree options = OptionTree.EMPTY;
        for (String line : lines) {
            String text = line.strip();
            if (text.startsWith("[") && text.endsWith("]")) {
                add(section, options);
                section = section(text.substring(1, text.length() - 1));
                options = OptionTree.EMPTY;
            } else if (!text.isEmpty() && !text.startsWith("#")) {
                options = options.with(key(text, section), value(text));
            }
        }
        add(section, options);
    }

    private static String section(String title) {
        String section = title.split(" ", 2)[0];
        if (!section.equals(INJECT) && !section.equals(SET_STATE)) {
            throw OptionReader.refusal("There is no option group '" + section + "'");
        }
        return section;
    }

    private void add(String section, OptionTree options) {
        if (section.equals(INJECT)) {
            inject(new OptionReader(options));
        } else if (section.equals(SET_STATE)) {
            setState(new OptionReader(options));
        }
    }

    /** The first word of a line. */
    private static String key(String line, String section) {
        if (section.isEmpty()) {
            throw OptionReader.refusal("no group defined");
        }
        int end = 0;
        while (end < line.length() && !Character.isWhitespace(line.charAt(end))) {
            end++;
        }
        String key = line.substring(0, end);
        if (!(section.equals(INJECT) ? INJECT_KEYS : SET_STATE_KEYS).contains(key)) {
            throw OptionReader.refusal("Invalid parameter '" + key + "'");
        }
        return key;
    }

    /** What stands in double quotes behind an equals sign; nothing if that is not there. */
    private static String value(String line) {
        int equals = line.indexOf('=');
        String value = equals < 0 ? "" : line.substring(equals + 1).strip();
        int end = value.indexOf('"', 1);
        return value.startsWith("\"") && end > 0 ? value.substring(1, end) : "";
    }
}
