package dev.gaur.verify.zoo;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;

/**
 * Runs other projects' programs: makers of images, and judges of ours. A program that is missing
 * fails the test: a silent skip would be a lost oracle.
 */
public final class Peer {
    /** No program here runs longer than a second or two; a stuck one must not stop the suite. */
    private static final long TIMEOUT_SECONDS = 30;

    private Peer() {}

    /** What a program did. */
    public record Result(List<String> command, int exit, String out, String err) {
        /** Returns the standard output, or fails the test if the exit code is another one. */
        public String expect(int expectedExit) {
            if (exit != expectedExit) {
                throw new AssertionError("exit " + exit + ", not " + expectedExit + ": " + this);
            }
            return out;
        }
    }

    /** Runs a program in a folder, whatever its exit code. */
    public static Result run(Path folder, List<String> command) {
        try {
            ProcessBuilder builder = new ProcessBuilder(command).directory(folder.toFile());
            builder.environment().put("LC_ALL", "C");
            Process process = builder.start();
            process.getOutputStream().close();
            FutureTask<String> out = drain(process.getInputStream());
            FutureTask<String> err = drain(process.getErrorStream());
            if (!process.waitFor(TIMEOUT_SECONDS, TimeUnit.SECONDS)) {
                process.destroyForcibly();
                throw new AssertionError("does not end: " + command);
            }
            return new Result(command, process.exitValue(), out.get(), err.get());
        } catch (ExecutionException e) {
            throw new AssertionError("cannot read the output of " + command, e);
        } catch (IOException e) {
            throw new AssertionError("cannot run " + command + " (./verify installs it)", e);
        } catch (InterruptedException e) {
            throw new AssertionError("interrupted: " + command, e);
        }
    }

    /** Runs a program in a folder; it must succeed. Returns its standard output. */
    public static String must(Path folder, String... command) {
        return run(folder, List.of(command)).expect(0);
    }

    /** Runs {@code qemu-io} with a list of commands on an image; each must succeed. */
    public static void qemuIo(Path image, String format, List<String> script) {
        Result result = run(folder(image), qemuIoCommand(image, format, script));
        result.expect(0);
        if (result.out().contains("failed") || !result.err().isEmpty()) {
            throw new AssertionError("a command failed: " + result);
        }
    }

    /** Runs {@code qemu-io} and lets it die at the end as if the machine had crashed. */
    public static void qemuIoThenDie(Path image, List<String> script) {
        List<String> deadly = new ArrayList<>(script);
        deadly.add("abort");
        Result result = run(folder(image), qemuIoCommand(image, "qcow2", deadly));
        if (result.exit() == 0) {
            throw new AssertionError("survived: " + result);
        }
    }

    private static List<String> qemuIoCommand(Path image, String format, List<String> script) {
        List<String> command = new ArrayList<>(List.of("qemu-io", "-t", "unsafe", "-f", format));
        for (String line : script) {
            command.add("-c");
            command.add(line);
        }
        command.add(image.toString());
        return command;
    }

    /** Returns the folder that a file lies in. */
    static Path folder(Path image) {
        Path parent = image.toAbsolutePath().getParent();
        if (parent == null) {
            throw new AssertionError("no folder: " + image);
        }
        return parent;
    }

    private static FutureTask<String> drain(InputStream stream) {
        FutureTask<String> task = new FutureTask<>(() -> text(stream));
        Thread.ofVirtual().start(task);
        return task;
    }

    private static String text(InputStream stream) {
        try (stream) {
            return new String(stream.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
