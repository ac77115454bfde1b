package dev.gaur.cli;

import java.io.OutputStream;
import java.io.PrintStream;

/**
 * The run from which the build makes the AOT caches: typical commands on small images. What it
 * loads and warms is what a later start finds ready. Only the build calls it.
 */
final class Training {
    private Training() {}

    public static void main(String[] arguments) {
        run("--version");
    }

    private static void run(String... command) {
        var nowhere = new PrintStream(OutputStream.nullOutputStream());
        int status = Main.run(Program.GAUR, command, nowhere, nowhere);
        if (status != 0) {
            throw new IllegalStateException(String.join(" ", command) + " ended with " + status);
        }
    }
}
