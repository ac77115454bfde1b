package dev.gaur.cli;

import dev.gaur.format.CreateOption;
import dev.gaur.format.CreateOptionValues;
import dev.gaur.format.qcow2.Qcow2OptionNames;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.function.Supplier;

/** The formats that can be made, and their options. */
final class CreateFormats {
    static final String RAW = "raw";
    static final String QCOW2 = "qcow2";

    private static final int HELP_COLUMN = 22;

    private static final List<CreateOption> RAW_OPTIONS =
            List.of(
                    new CreateOption("size", CreateOption.Kind.SIZE, "Virtual disk size"),
                    new CreateOption(
                            "preallocation",
                            CreateOption.Kind.TEXT,
                            "Preallocation mode (off, falloc, full)"),
                    new CreateOption(
                            "nocow",
                            CreateOption.Kind.SWITCH,
                            "Turn off copy-on-write (valid only on btrfs)"),
                    new CreateOption(
                            "extent_size_hint",
                            CreateOption.Kind.SIZE,
                            "Extent size hint for the image file"));

    private CreateFormats() {}

    /**
     * Returns the format that was asked for. Without one, QEMU's programs make raw images; Gaur
     * looks at the name.
     */
    static String choose(Invocation call, Option option, String file) {
        boolean byName = !call.program().isQemu() && file.endsWith("." + QCOW2);
        return call.value(option, byName ? QCOW2 : RAW);
    }

    static boolean isKnown(String format) {
        return format.equals(RAW) || format.equals(QCOW2);
    }

    static List<CreateOption> options(String format) {
        return format.equals(QCOW2) ? Qcow2OptionNames.ALL : RAW_OPTIONS;
    }

    /** Tells whether the user asks which options there are. */
    static boolean asksForHelp(List<String> texts) {
        return texts.stream().anyMatch(text -> text.equals("help") || text.equals("?"));
    }

    /** Returns the list of a format's options. */
    static String help(Invocation call, String format) {
        return help(call, "Supported " + format + " options:\n", options(format));
    }

    /** Returns a list of options, sorted by name; under QEMU's name of those that it has. */
    static String help(Invocation call, String title, List<CreateOption> options) {
        StringBuilder text = new StringBuilder(title);
        List<CreateOption> sorted = new ArrayList<>(options);
        sorted.removeIf(it -> call.program().isQemu() && Qcow2OptionNames.OWN.contains(it.name()));
        sorted.sort(Comparator.comparing(CreateOption::name));
        for (CreateOption option : sorted) {
            int start = text.length();
            text.append("  ").append(option.name()).append("=<");
            text.append(option.kind().placeholder()).append('>');
            while (text.length() - start < HELP_COLUMN + 2) {
                text.append(' ');
            }
            text.append(" - ").append(option.help()).append('\n');
        }
        return text.toString();
    }

    /**
     * Reads the values of {@code -o}.
     *
     * @param problem what goes before the message if one is wrong, such as {@code file: }
     */
    static CreateOptionValues values(List<CreateOption> known, List<String> texts, String problem) {
        CreateOptionValues values = new CreateOptionValues(known);
        checked(
                problem,
                () -> {
                    texts.forEach(values::parse);
                    return values;
                });
        return values;
    }

    /** Does something with options; what is wrong with them is a message to the user. */
    static <T> T checked(String problem, Supplier<T> step) {
        try {
            return step.get();
        } catch (IllegalArgumentException wrong) {
            throw new CommandException(problem + wrong.getMessage());
        }
    }
}
