package dev.gaur.cli;

import java.util.List;
import org.jspecify.annotations.Nullable;

/** One command. Stateless; listed in {@link Commands}. */
interface Command {
    /** Returns the name, as the user types it. */
    String name();

    /** Returns what it does: a short line, in lower case, without a full stop. */
    String summary();

    /** Returns what follows the options in the help's first line, such as {@code FILE [SIZE]}. */
    String operands();

    /** Returns its options; {@link Options#HELP} need not be among them. */
    List<Option> options();

    /** Returns more lines for its help, empty for none. */
    default String details() {
        return "";
    }

    /** Finds the command that a first operand makes of this one; null if it is just an operand. */
    default @Nullable Command sub(String word) {
        return null;
    }

    /** Returns how many of the last arguments are operands although they may look like options. */
    default int lastOperands() {
        return 0;
    }

    /** Returns the exit code of an operating error or an internal one. */
    default int errorExitCode() {
        return 1;
    }

    /**
     * Does the work. Blocks until it is done.
     *
     * @return the exit code
     * @throws CommandException to end with a message
     * @throws dev.gaur.block.BlockException is printed in QEMU's words, with {@link #errorExitCode}
     */
    int run(Invocation call);
}
