package dev.gaur.cli;

import java.util.ArrayList;
import java.util.List;
import java.util.Objects;

/** Writes the help of the program and of its commands. */
final class Help {
    private static final int COMMAND_COLUMN = 11;
    private static final int OPTION_COLUMN = 30;

    private Help() {}

    static String program(Program program) {
        StringBuilder text = new StringBuilder();
        text.append("usage: ").append(program).append(" COMMAND [OPTION]... [FILE]...\n\n");
        text.append("Commands:\n");
        for (String name : Commands.NAMES) {
            Command command = Objects.requireNonNull(Commands.find(name));
            row(text, name, COMMAND_COLUMN, command.summary());
        }
        if (!program.isQemu()) { // The launcher runs it.
            row(
                    text,
                    "tour",
                    COMMAND_COLUMN,
                    "show what Gaur does, with a disk image of real files");
        }
        text.append("\nBefore the command:\n");
        row(text, "-h, --help", COMMAND_COLUMN + 4, "show this help");
        row(text, "-V, --version", COMMAND_COLUMN + 4, "show the version");
        text.append("\nFormats: qcow2 raw\n");
        text.append("'").append(program).append(" COMMAND --help' explains a command.\n");
        text.append("Sizes: bytes, or with a suffix of k M G T P E (powers of 1024), ");
        text.append("or 0x and hexadecimal.\n");
        return text.toString();
    }

    static String command(Program program, Command command) {
        StringBuilder text = new StringBuilder();
        text.append("usage: ").append(program);
        text.append(program.hasOneCommand() ? "" : " " + command.name());
        text.append(" [OPTION]... ").append(command.operands()).append("\n\n");
        String summary = command.summary();
        text.append(Character.toUpperCase(summary.charAt(0))).append(summary.substring(1));
        text.append(".\n\n");
        for (Option option : withHelp(command.options())) {
            row(text, option.label(), OPTION_COLUMN, option.help());
        }
        if (!command.details().isEmpty()) {
            text.append('\n').append(command.details()).append('\n');
        }
        return text.toString();
    }

    /** The options a command really takes: its own, and the one that all have. */
    static List<Option> withHelp(List<Option> own) {
        List<Option> all = new ArrayList<>(own);
        all.add(Options.HELP);
        return all;
    }

    private static void row(StringBuilder text, String left, int column, String right) {
        text.append("  ").append(left);
        for (int width = left.length(); width < column - 1; width++) {
            text.append(' ');
        }
        text.append(' ').append(right).append('\n');
    }
}
