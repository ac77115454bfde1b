package dev.gaur.cli;

import dev.gaur.Version;
import dev.gaur.block.BlockException;
import java.io.BufferedOutputStream;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.InputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Where the process starts: finds the command, and turns its result into an exit code and whatever
 * goes wrong into a message. Users never see a stack trace unless {@code GAUR_DEBUG=1} asks for it.
 */
public final class Main {
    /** The version of QEMU whose grammar and output we have under its names. */
    private static final String QEMU_VERSION = "7.2.22";

    private static final Option VERSION = Option.flag("V", "version", "show the version");
    private static final Option TRACE =
            Option.valued("T", "trace", "EVENTS", "trace events of QEMU; there are none here");
    private static final List<Option> STANDARD = List.of(Options.HELP, VERSION, TRACE);
    private static final int BUFFER_BYTES = 1 << 16;

    private final Program program;
    private final InputStream in;
    private final PrintStream out;
    private final PrintStream err;

    private Main(Program program, InputStream in, PrintStream out, PrintStream err) {
        this.program = program;
        this.in = in;
        this.out = out;
        this.err = err;
    }

    /**
     * Runs one command and ends the process with its exit code. The launcher passes the name it was
     * started by in the system property {@code gaur.program}.
     *
     * @param arguments the command and its options, as the shell passed them
     */
    public static void main(String[] arguments) {
        Program program = Program.named(System.getProperty("gaur.program", ""));
        PrintStream out = stream(FileDescriptor.out);
        PrintStream err = stream(FileDescriptor.err);
        int status = run(program, arguments, out, err);
        // Not System.exit: it first looks for a logger to report the exit to, which takes longer
        // than most commands. Commands clean up themselves; hooks are for signals.
        Runtime.getRuntime().halt(status);
    }

    /** Work for the time between a signal and the end; closing takes it back. */
    interface OnSignal extends AutoCloseable {
        @Override
        void close();
    }

    /**
     * Has work done when a signal asks the process to end, which then ends with 0, or with 1 if the
     * work failed and has said why. For commands that go on until then.
     */
    static OnSignal endOnSignal(Runnable work) {
        Thread hook =
                new Thread(
                        () -> {
                            int status = 1;
                            try {
                                work.run();
                                status = 0;
                            } catch (CommandException _) {
                                // Status 1.
                            } finally {
                                Runtime.getRuntime().halt(status);
                            }
                        });
        Runtime.getRuntime().addShutdownHook(hook);
        return () -> {
            try {
                Runtime.getRuntime().removeShutdownHook(hook);
            } catch (IllegalStateException _) {
                // It is at work already.
            }
        };
    }

    static PrintStream stream(FileDescriptor descriptor) {
        var buffered = new BufferedOutputStream(new FileOutputStream(descriptor), BUFFER_BYTES);
        return new PrintStream(buffered, false, StandardCharsets.UTF_8);
    }

    /**
     * Runs one command within this process: what tests do, and the training for the build. Both
     * streams are flushed.
     *
     * @return the exit code
     */
    static int run(Program program, String[] arguments, PrintStream out, PrintStream err) {
        return run(program, arguments, System.in, out, err);
    }

    /** The same with a standard input. */
    static int run(
            Program program, String[] arguments, InputStream in, PrintStream out, PrintStream err) {
        int status = new Main(program, in, out, err).run(arguments);
        out.flush();
        err.flush();
        return out.checkError() && status == 0 ? 1 : status;
    }

    private int run(String[] arguments) {
        Command command = null;
        try {
            if (program.hasOneCommand()) {
                command = program == Program.QEMU_IO ? new IoCommand() : new NbdCommand();
                return run(command, 0, arguments);
            }
            var standard = new OptionParser(STANDARD, program.toString(), arguments, true).parse();
            if (standard.help() || isGiven(standard, VERSION)) {
                out.print(standard.help() ? Help.program(program) : version(program));
                return 0;
            }
            var top = new Invocation(program, standard, in, out, err);
            for (String event : top.values(TRACE)) {
                top.warn("trace event '" + event + "' does not exist");
            }
            command = find(top.operands());
            Command sub = sub(command, top.operands());
            command = sub == null ? command : sub;
            int words = sub == null ? 1 : 2;
            return run(command, arguments.length - top.operands().size() + words, arguments);
        } catch (CommandException e) {
            return failure(e, command);
        } catch (BlockException e) {
            print(ErrorText.of(e));
            return command == null ? 1 : command.errorExitCode();
        } catch (OutOfMemoryError e) {
            return internalError("out of memory", e, command);
        } catch (RuntimeException | Error e) {
            return internalError("internal error: " + e, e, command);
        } finally {
            out.flush();
        }
    }

    private int run(Command command, int from, String[] arguments) {
        String[] rest = Arrays.copyOfRange(arguments, from, arguments.length);
        List<Option> options = Help.withHelp(command.options());
        int last = asksForHelp(rest) ? 0 : command.lastOperands();
        if (last > 0 && rest.length <= last) {
            throw CommandException.usage("Not enough arguments");
        }
        String[] first = Arrays.copyOf(rest, rest.length - last);
        String before = program.isQemu() ? command.name() : ""; // Its texts, with their flaws.
        var parsed = new OptionParser(options, before, first, false).parse();
        parsed.operands().addAll(List.of(rest).subList(first.length, rest.length));
        if (parsed.help()) {
            out.print(Help.command(program, command));
            return 0;
        }
        return command.run(new Invocation(program, parsed, in, out, err));
    }

    private static boolean asksForHelp(String[] arguments) {
        return arguments.length == 1
                && (arguments[0].equals("--help") || arguments[0].equals("-h"));
    }

    private static boolean isGiven(OptionParser parsed, Option option) {
        for (OptionParser.Given given : parsed.given()) {
            if (given.option() == option) {
                return true;
            }
        }
        return false;
    }

    private static Command find(List<String> operands) {
        if (operands.isEmpty()) {
            throw CommandException.usage("Not enough arguments");
        }
        Command command = Commands.find(operands.getFirst());
        if (command == null) {
            throw CommandException.usage("Command not found: " + operands.getFirst());
        }
        return command;
    }

    private @Nullable Command sub(Command command, List<String> operands) {
        return program.isQemu() || operands.size() < 2 ? null : command.sub(operands.get(1));
    }

    /** Scripts look for {@code qemu-img version N.N} to know what they may ask for. */
    static String version(Program program) {
        String version = program == Program.QEMU_NBD ? " " : " version ";
        return program.isQemu()
                ? program + version + QEMU_VERSION + " (gaur " + Version.current() + ")\n"
                : program + " version " + Version.current() + "\n";
    }

    private int failure(CommandException e, @Nullable Command command) {
        if (!e.text().isEmpty()) {
            print(program.hasOneCommand() ? Getopt.text(e.text(), options(command)) : e.text());
        }
        if (e.isUsage() && program == Program.QEMU_IO && command != null) {
            out.print(Help.command(program, command));
        } else if (e.isUsage() && program == Program.QEMU_NBD) {
            print("Try `" + program + " --help' for more information.");
        } else if (e.isUsage()) {
            String own = command == null || program.isQemu() ? "" : " " + command.name();
            err.print("Try '" + program + own + " --help' for more information\n");
        }
        return e.exitCode();
    }

    private static List<Option> options(@Nullable Command command) {
        return command == null ? STANDARD : Help.withHelp(command.options());
    }

    private void print(String lines) {
        out.flush(); // Both may go to one place: keep the order.
        err.print(program + ": " + lines + "\n");
    }

    private int internalError(String text, Throwable error, @Nullable Command command) {
        print(
                text
                        + "\nthis is a bug in Gaur: please report it, with the command, the version"
                        + " and what GAUR_DEBUG=1 prints");
        if ("1".equals(System.getenv("GAUR_DEBUG"))) {
            error.printStackTrace(err);
        }
        return command == null ? 1 : command.errorExitCode();
    }
}
