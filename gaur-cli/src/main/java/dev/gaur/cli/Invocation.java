package dev.gaur.cli;

import dev.gaur.units.SizeException;
import dev.gaur.units.Sizes;
import java.io.InputStream;
import java.io.PrintStream;
import java.util.ArrayList;
import java.util.List;

/**
 * A command as the user called it: options, operands, and where to print. For one thread, but
 * {@link #warn} and the display of progress may be used by any.
 */
final class Invocation {
    private final Program program;
    private final OptionParser parsed;
    private final InputStream in;
    private final PrintStream out;
    private final PrintStream err;

    Invocation(
            Program program,
            OptionParser parsed,
            InputStream in,
            PrintStream out,
            PrintStream err) {
        this.program = program;
        this.parsed = parsed;
        this.in = in;
        this.out = out;
        this.err = err;
    }

    Program program() {
        return program;
    }

    /** Returns standard input. */
    InputStream in() {
        return in;
    }

    /** Returns standard output: buffered, UTF-8, flushed when the command ends. */
    PrintStream out() {
        return out;
    }

    PrintStream err() {
        return err;
    }

    List<String> operands() {
        return parsed.operands();
    }

    /**
     * Returns the only operand.
     *
     * @param otherwise qemu-img's words if there is none or more than one
     */
    String onlyOperand(String otherwise) {
        if (operands().size() != 1) {
            throw CommandException.usage(otherwise);
        }
        return operands().getFirst();
    }

    /** Returns the options in the order they were given, for commands where it matters. */
    List<OptionParser.Given> given() {
        return parsed.given();
    }

    boolean has(Option option) {
        return !values(option).isEmpty();
    }

    /** Returns the last argument given with {@code option}, {@code otherwise} if none was. */
    String value(Option option, String otherwise) {
        List<String> values = values(option);
        return values.isEmpty() ? otherwise : values.getLast();
    }

    /** Returns all arguments given with {@code option}, in order. */
    List<String> values(Option option) {
        List<String> values = new ArrayList<>();
        for (OptionParser.Given each : given()) {
            if (each.option() == option) {
                values.add(each.value());
            }
        }
        return values;
    }

    /**
     * Reads the size given with {@code option}, {@code otherwise} if none was.
     *
     * @param what its name in qemu-img's words, such as {@code start offset}
     */
    long size(Option option, String what, long otherwise) {
        List<String> values = values(option);
        return values.isEmpty() ? otherwise : size(values.getLast(), what);
    }

    /** Reads a size; bad ones are refused in qemu-img's words. */
    long size(String text, String what) {
        try {
            return Sizes.parse(text);
        } catch (SizeException e) {
            String reason =
                    e.outOfRange()
                            ? "Must be between 0 and 9223372036854775807."
                            : "You may use k, M, G, T, P or E suffixes for\n"
                                    + program
                                    + ": kilobytes, megabytes, gigabytes, terabytes, petabytes and"
                                    + " exabytes.";
            throw new CommandException("Invalid " + what + " specified. " + reason);
        }
    }

    /** Prints a line about what is wrong, before the command ends with another. */
    void error(String text) {
        err.print(program + ": " + text + "\n");
    }

    /** Prints a warning; the command goes on. */
    void warn(String text) {
        err.print(program + ": warning: " + text + "\n");
    }

    /**
     * Returns the display of progress that the options and the terminal call for; it may show
     * nothing. To be closed when the work is done.
     */
    Progress progress() {
        return Progress.of(this);
    }
}
