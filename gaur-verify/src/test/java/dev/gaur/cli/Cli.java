package dev.gaur.cli;

import dev.gaur.verify.Peers;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/** Runs Gaur's commands within this process, and shows the result in the form of the peers'. */
public final class Cli {
    private Cli() {}

    /** Runs a command under our own name. */
    public static Peers.Result gaur(Object... arguments) {
        return run(Program.GAUR, arguments);
    }

    /** Runs a command under qemu-img's name. */
    public static Peers.Result asQemuImg(Object... arguments) {
        return run(Program.QEMU_IMG, arguments);
    }

    /** Runs a script under qemu-io's name. */
    public static Peers.Result asQemuIo(String script, Object... arguments) {
        return run(Program.QEMU_IO, script, arguments);
    }

    /** Runs a command under qemu-nbd's name. */
    public static Peers.Result asQemuNbd(Object... arguments) {
        return run(Program.QEMU_NBD, arguments);
    }

    private static Peers.Result run(Program program, Object... arguments) {
        return run(program, "", arguments);
    }

    private static Peers.Result run(Program program, String input, Object... arguments) {
        List<String> command = new ArrayList<>();
        for (Object argument : arguments) {
            command.add(argument.toString());
        }
        var out = new ByteArrayOutputStream();
        var err = new ByteArrayOutputStream();
        var in = new ByteArrayInputStream(input.getBytes(StandardCharsets.UTF_8));
        String[] words = command.toArray(String[]::new);
        int status = Main.run(program, words, in, stream(out), stream(err));
        command.addFirst(program.toString());
        return new Peers.Result(
                command,
                status,
                out.toString(StandardCharsets.UTF_8),
                err.toString(StandardCharsets.UTF_8));
    }

    private static PrintStream stream(ByteArrayOutputStream bytes) {
        return new PrintStream(bytes, false, StandardCharsets.UTF_8);
    }
}
