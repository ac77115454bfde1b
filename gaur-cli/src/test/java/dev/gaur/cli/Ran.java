package dev.gaur.cli;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;

/**
 * What a command did when run within this process.
 *
 * @param status its exit code
 * @param out what it printed on standard output
 * @param err what it printed on standard error
 */
record Ran(int status, String out, String err) {
    static Ran gaur(String... arguments) {
        return as(Program.GAUR, arguments);
    }

    static Ran qemuImg(String... arguments) {
        return as(Program.QEMU_IMG, arguments);
    }

    private static Ran as(Program program, String... arguments) {
        var out = new ByteArrayOutputStream();
        var err = new ByteArrayOutputStream();
        int status = Main.run(program, arguments, stream(out), stream(err));
        return new Ran(
                status, out.toString(StandardCharsets.UTF_8), err.toString(StandardCharsets.UTF_8));
    }

    private static PrintStream stream(ByteArrayOutputStream bytes) {
        return new PrintStream(bytes, false, StandardCharsets.UTF_8);
    }
}
