package dev.gaur.cli;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Finds options among arguments as getopt_long(3) does: bundled letters ({@code -qU}), arguments
 * joined or apart ({@code -fraw}, {@code -f raw}, {@code --format=raw}, {@code --format raw}),
 * unique abbreviations of words, operands anywhere, {@code --} before operands that look like
 * options. For one list of arguments; not safe for many threads.
 */
final class OptionParser {
    /** An option that was given, and its argument, empty if it has none. */
    record Given(Option option, String value) {}

    private final List<Option> options;
    private final String[] arguments;
    private final boolean stopAtOperand;
    private final List<Given> given = new ArrayList<>();
    private final List<String> operands = new ArrayList<>();
    private int next;

    /** What stands before a faulty letter; getopt's callers name this one when a bundle is torn. */
    private String before;

    /** Whether messages name what getopt's callers name, and not what is wrong. */
    private final boolean asGetopt;

    private boolean help;

    /**
     * @param before what stands before the first argument, the name of the command, if messages
     *     shall be those of getopt's callers, or nothing
     * @param stopAtOperand whether all after the first operand are operands too
     */
    OptionParser(List<Option> options, String before, String[] arguments, boolean stopAtOperand) {
        this.options = options;
        this.before = before;
        this.asGetopt = !before.isEmpty();
        this.arguments = arguments;
        this.stopAtOperand = stopAtOperand;
    }

    /**
     * Goes through all arguments, or up to the first {@link Options#HELP}.
     *
     * @return this
     * @throws CommandException in qemu-img's words, if an option is unknown, ambiguous, lacks its
     *     argument or has one it must not have
     */
    OptionParser parse() {
        while (next < arguments.length && !help) {
            String argument = arguments[next++];
            if (argument.equals("--")) {
                takeOperands();
            } else if (argument.startsWith("--")) {
                word(argument);
            } else if (argument.length() > 1 && argument.charAt(0) == '-') {
                bundle(argument);
            } else if (stopAtOperand) {
                next--;
                takeOperands();
            } else {
                operands.add(argument);
            }
        }
        return this;
    }

    /** Returns the options in the order they were given. */
    List<Given> given() {
        return given;
    }

    List<String> operands() {
        return operands;
    }

    /** Tells whether help was asked for; then what follows it was not looked at. */
    boolean help() {
        return help;
    }

    private void takeOperands() {
        while (next < arguments.length) {
            operands.add(arguments[next++]);
        }
    }

    private void take(Option option, String value) {
        help |= option == Options.HELP;
        given.add(new Given(option, value));
        before = arguments[next - 1];
    }

    private void word(String argument) {
        int equals = argument.indexOf('=');
        String name = argument.substring(2, equals < 0 ? argument.length() : equals);
        Option option = byWord(name);
        if (option == null || (equals >= 0 && !option.takesArgument())) {
            throw unrecognized(argument);
        }
        if (equals >= 0) {
            take(option, argument.substring(equals + 1));
        } else {
            take(option, option.needsArgument() ? nextArgument(argument) : "");
        }
    }

    private @Nullable Option byWord(String name) {
        Option found = null;
        boolean ambiguous = false;
        for (int i = 0; i < options.size(); i++) {
            Option option = options.get(i);
            if (option.word().equals(name)) {
                return option;
            }
            if (!option.word().isEmpty() && option.word().startsWith(name)) {
                ambiguous |= found != null;
                found = option;
            }
        }
        return ambiguous ? null : found;
    }

    private void bundle(String argument) {
        for (int i = 1; i < argument.length() && !help; i++) {
            Option option = byLetter(argument.charAt(i));
            boolean last = i == argument.length() - 1;
            if (option == null) {
                throw unrecognized(last || !asGetopt ? argument : beforeTornBundle());
            }
            if (option.needsArgument()) {
                take(option, last ? nextArgument(argument) : argument.substring(i + 1));
                return;
            }
            if (last) {
                take(option, "");
            } else {
                given.add(new Given(option, ""));
                help |= option == Options.HELP;
            }
        }
    }

    private @Nullable Option byLetter(char letter) {
        for (int i = 0; i < options.size(); i++) {
            if (options.get(i).letters().indexOf(letter) >= 0) {
                return options.get(i);
            }
        }
        return null;
    }

    /** getopt has moved the operands seen so far behind the options by then. */
    private String beforeTornBundle() {
        return operands.isEmpty() ? before : operands.getLast();
    }

    private String nextArgument(String argument) {
        if (next == arguments.length) {
            throw CommandException.usage("missing argument for option '" + argument + "'");
        }
        return arguments[next++];
    }

    private static CommandException unrecognized(String argument) {
        return CommandException.usage("unrecognized option '" + argument + "'");
    }
}
