package dev.gaur.cli;

import dev.gaur.Version;
import java.io.PrintStream;

/** Where the process starts: finds the command and turns its result into an exit code. */
public final class Main {
    private Main() {}

    /**
     * Runs one command and ends the process with its exit code.
     *
     * @param arguments the command and its options, as the shell passed them
     */
    public static void main(String[] arguments) {
        int status = run(arguments, System.out, System.err);
        System.out.flush();
        System.err.flush();
        // Not System.exit: it first looks for a logger to report the exit to, which takes longer
        // than most commands. Commands clean up themselves; hooks are for signals.
        Runtime.getRuntime().halt(status);
    }

    static int run(String[] arguments, PrintStream out, PrintStream err) {
        if (arguments.length == 1 && arguments[0].equals("--version")) {
            out.println("gaur version " + Version.current());
            return 0;
        }
        err.println("gaur: not supported yet");
        return 1;
    }
}
