package dev.gaur.cli;

/**
 * One option of a command. Commands keep their options as constants and ask an {@link Invocation}
 * for them. Compared by identity; not a record, whose {@code equals} costs time at start-up.
 */
final class Option {
    private final String letters;
    private final String word;
    private final String argument;
    private final boolean argumentOptional;
    private final String help;

    private Option(
            String letters, String word, String argument, boolean argumentOptional, String help) {
        this.letters = letters;
        this.word = word;
        this.argument = argument;
        this.argumentOptional = argumentOptional;
        this.help = help;
    }

    /**
     * An option without an argument.
     *
     * @param letters the letters it has after one dash, the current one first; old ones of QEMU
     *     follow; empty if none
     * @param word the word it has after two dashes, empty if none
     * @param help a short line, in lower case, without a full stop
     */
    static Option flag(String letters, String word, String help) {
        return new Option(letters, word, "", false, help);
    }

    /** An option with an argument, which the help calls {@code argument}. */
    static Option valued(String letters, String word, String argument, String help) {
        return new Option(letters, word, argument, false, help);
    }

    /** An option that takes an argument only in the form {@code --word=argument}. */
    static Option optional(String letters, String word, String argument, String help) {
        return new Option(letters, word, argument, true, help);
    }

    String letters() {
        return letters;
    }

    String word() {
        return word;
    }

    boolean takesArgument() {
        return !argument.isEmpty();
    }

    boolean needsArgument() {
        return !argument.isEmpty() && !argumentOptional;
    }

    String help() {
        return help;
    }

    /** Returns how it looks in the help, such as {@code -f, --format=FMT}. */
    String label() {
        StringBuilder text = new StringBuilder();
        text.append(letters.isEmpty() ? "    " : "-" + letters.charAt(0));
        if (!word.isEmpty()) {
            text.append(letters.isEmpty() ? "--" : ", --").append(word);
        }
        if (argumentOptional) {
            text.append("[=").append(argument).append(']');
        } else if (!argument.isEmpty()) {
            text.append(word.isEmpty() ? ' ' : '=').append(argument);
        }
        return text.toString();
    }
}
