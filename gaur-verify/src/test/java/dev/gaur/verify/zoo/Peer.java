package dev.gaur.verify.zoo;

import dev.gaur.verify.Peers;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** What the zoo wants of other programs, beyond {@link Peers}: all work in the image's folder. */
public final class Peer {
    private Peer() {}

    /** Runs a program in a folder, whatever its exit code. */
    public static Peers.Result run(Path folder, List<String> command) {
        return Peers.runIn(folder, command);
    }

    /** Runs a program in a folder; it must succeed. Returns its standard output. */
    public static String must(Path folder, String... command) {
        return run(folder, List.of(command)).ok().out();
    }

    /** Runs {@code qemu-io} with a list of commands on an image; each must succeed. */
    public static void qemuIo(Path image, String format, List<String> script) {
        Peers.Result result = run(folder(image), qemuIoCommand(image, format, script)).ok();
        if (result.out().contains("failed") || !result.err().isEmpty()) {
            throw new AssertionError("a command failed: " + result);
        }
    }

    /** Runs {@code qemu-io} and lets it die at the end as if the machine had crashed. */
    public static void qemuIoThenDie(Path image, List<String> script) {
        List<String> deadly = new ArrayList<>(script);
        deadly.add("abort");
        Peers.Result result = run(folder(image), qemuIoCommand(image, "qcow2", deadly));
        if (result.status() == 0) {
            throw new AssertionError("survived: " + result);
        }
    }

    private static List<String> qemuIoCommand(Path image, String format, List<String> script) {
        // The cache mode only makes it fast: nobody pulls the plug here.
        List<String> command = new ArrayList<>(List.of("qemu-io", "-t", "unsafe", "-f", format));
        for (String line : script) {
            command.add("-c");
            command.add(line);
        }
        command.add(image.toString());
        return command;
    }

    /** Returns the folder that a file lies in. */
    public static Path folder(Path image) {
        Path parent = image.toAbsolutePath().getParent();
        if (parent == null) {
            throw new AssertionError("no folder: " + image);
        }
        return parent;
    }
}
