package dev.gaur.verify;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Runs the other programs that judge us: qemu-img, qemu-io and so on, from Debian's packages. A
 * program that is not installed fails the test: a judge who did not come has not acquitted anybody.
 */
public final class Peers {
    private static final int TIMEOUT_SECONDS = 120;

    private Peers() {}

    /**
     * What a program did.
     *
     * @param command its name and arguments
     * @param status its exit code
     * @param out what it printed on standard output
     * @param err what it printed on standard error
     */
    public record Result(List<String> command, int status, String out, String err) {
        /**
         * Fails unless the exit code was 0.
         *
         * @return this
         */
        public Result ok() {
            return exited(0);
        }

        /** Fails unless the exit code was {@code expected}; returns this. */
        public Result exited(int expected) {
            if (status != expected) {
                throw new AssertionError("not exit code " + expected + ": " + this);
            }
            return this;
        }

        /** Returns standard output without the white space around it. */
        public String text() {
            return out.strip();
        }
    }

    /** Runs qemu-img with its standard input empty. */
    public static Result qemuImg(Object... arguments) {
        return run(null, "qemu-img", arguments);
    }

    /** Runs qemu-img in a folder, for outputs that show file names. */
    public static Result qemuImgIn(Path folder, Object... arguments) {
        return run(folder, "qemu-img", arguments);
    }

    /**
     * Lets qemu-io run commands on an image.
     *
     * @param image the file
     * @param format its format
     * @param commands such as {@code write -P 7 64k 128k}
     */
    public static Result qemuIo(Path image, String format, String... commands) {
        List<Object> arguments = new ArrayList<>(List.of("-f", format));
        for (String command : commands) {
            arguments.add("-c");
            arguments.add(command);
        }
        arguments.add(image);
        return run(null, "qemu-io", arguments.toArray());
    }

    /** Runs any program that is on the path. */
    public static Result run(String program, Object... arguments) {
        return run(null, program, arguments);
    }

    /** Runs any program that is on the path, in a folder. */
    public static Result runIn(Path folder, List<String> command) {
        List<String> arguments = command.subList(1, command.size());
        return run(folder, command.getFirst(), arguments.toArray());
    }

    /** Runs any program that is on the path, in a folder and with something on its input. */
    public static Result runWith(String input, Path folder, String program, Object... arguments) {
        return run(input, folder, program, arguments);
    }

    private static Result run(@Nullable Path folder, String program, Object... arguments) {
        return run("", folder, program, arguments);
    }

    private static Result run(
            String input, @Nullable Path folder, String program, Object... arguments) {
        List<String> command = new ArrayList<>(List.of(program));
        for (Object argument : arguments) {
            command.add(argument.toString());
        }
        ProcessBuilder builder = new ProcessBuilder(command);
        builder.environment().put("LC_ALL", "C.UTF-8");
        if (folder != null) {
            builder.directory(folder.toFile());
        }
        try {
            return finish(command, builder.start(), input);
        } catch (IOException e) {
            throw new AssertionError(
                    program + " cannot be run: install it, as ./verify does (" + e + ")", e);
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    private static Result finish(List<String> command, Process process, String input)
            throws IOException, InterruptedException {
        try (var in = process.getOutputStream()) { // Short enough for a pipe.
            in.write(input.getBytes(StandardCharsets.UTF_8));
        } catch (IOException _) {
            // It ended without reading all.
        }
        var err = new ByteArrayOutputStream();
        Thread reader = Thread.startVirtualThread(() -> copy(process.getErrorStream(), err));
        var out = new ByteArrayOutputStream();
        Thread watch = Thread.startVirtualThread(() -> killLate(process));
        copy(process.getInputStream(), out);
        reader.join();
        int status = process.waitFor();
        watch.interrupt();
        return new Result(
                command,
                status,
                out.toString(StandardCharsets.UTF_8),
                err.toString(StandardCharsets.UTF_8));
    }

    private static void killLate(Process process) {
        try {
            // In steps: time when all processes were stopped, as on a suspended machine, is none.
            for (int second = 0; second < TIMEOUT_SECONDS; second++) {
                if (process.waitFor(1, TimeUnit.SECONDS)) {
                    return;
                }
            }
            process.destroyForcibly();
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt(); // It ended by itself.
        }
    }

    private static void copy(InputStream from, ByteArrayOutputStream to) {
        try (from) {
            from.transferTo(to);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
