package dev.gaur.cli;

/**
 * Ends a command with a message for the user; not a bug. The message is printed with the program's
 * name before it.
 */
final class CommandException extends RuntimeException {
    private static final long serialVersionUID = 1;

    private final int exitCode;
    private final boolean usage;

    /** Ends the command with exit code 1. */
    CommandException(String message) {
        this(message, 1);
    }

    CommandException(String message, int exitCode) {
        this(message, exitCode, false);
    }

    private CommandException(String message, int exitCode, boolean usage) {
        super(message, null, false, false); // Not a bug: nobody reads the stack.
        this.exitCode = exitCode;
        this.usage = usage;
    }

    /** The command was not called as it must be: the message is followed by a hint at the help. */
    static CommandException usage(String message) {
        return new CommandException(message, 1, true);
    }

    int exitCode() {
        return exitCode;
    }

    boolean isUsage() {
        return usage;
    }

    String text() {
        String text = getMessage();
        return text == null ? "" : text;
    }
}
