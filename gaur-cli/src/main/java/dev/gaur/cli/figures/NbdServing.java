package dev.gaur.cli.figures;

import static java.util.concurrent.TimeUnit.MILLISECONDS;

import dev.gaur.block.BlockException;
import dev.gaur.storage.CacheMode;
import dev.gaur.storage.nbd.ClientOptions;
import dev.gaur.storage.nbd.NbdAddress;
import dev.gaur.storage.nbd.NbdClient;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** A server of images, in a process of its own, from when clients may come. */
final class NbdServing implements AutoCloseable {
    private static final int ATTEMPTS = 500;
    private static final int ATTEMPT_MILLIS = 20;

    private final Workplace place;
    private final Path socket;
    private final Process process;
    private final boolean foreign;

    private NbdServing(Workplace place, Path socket, Process process, boolean foreign) {
        this.place = place;
        this.socket = socket;
        this.process = process;
        this.foreign = foreign;
    }

    /**
     * Starts {@code gaur serve}.
     *
     * @param files images of the kind that is measured
     */
    static NbdServing ofGaur(Workplace place, Measured what, List<Path> files) {
        Path socket = place.file("gaur.sock");
        List<String> command = new ArrayList<>(Tools.onServerCore());
        command.addAll(java());
        command.addAll(List.of("dev.gaur.cli.Main", "serve", "--json", "--image-opts"));
        command.addAll(List.of("-k", socket.toString(), "--cache", modeName(what.cache())));
        if (!what.pattern().write()) {
            command.add("-r");
        }
        files.forEach(file -> command.add(what.variant().imageOptions(file.toString())));
        Path errors = place.file("gaur.err");
        Process process =
                place.start(
                        command,
                        ProcessBuilder.Redirect.PIPE,
                        ProcessBuilder.Redirect.to(errors.toFile()));
        NbdServing server = new NbdServing(place, socket, process, false);
        server.awaitListening(errors);
        return server;
    }

    /** As {@code ./gaur serve} starts it, where that is how this process was started. */
    private static List<String> java() {
        String classes = System.getProperty("java.class.path", "");
        String java = Path.of(System.getProperty("java.home"), "bin", "java").toString();
        Path arguments = Path.of(classes.split(":", 2)[0]).resolveSibling("serve.args");
        if (Files.exists(arguments)) {
            return List.of(java, "@" + arguments);
        }
        return List.of(
                java,
                "--enable-native-access=ALL-UNNAMED",
                "-XX:+UseSerialGC",
                "-XX:-UsePerfData",
                "-cp",
                classes);
    }

    private static String modeName(CacheMode cache) {
        return cache.direct() ? "none" : "writeback";
    }

    /** Starts qemu-nbd with its best options. */
    static NbdServing ofQemu(Workplace place, Measured what, Path file) {
        Path socket = place.file("qemu.sock");
        List<String> command = new ArrayList<>(Tools.onServerCore());
        command.addAll(List.of("qemu-nbd", "-t", "-e", "8", "-k", socket.toString()));
        command.addAll(List.of("--cache", modeName(what.cache()), "--aio", "io_uring"));
        command.addAll(List.of("--discard", "unmap", "--image-opts"));
        if (!what.pattern().write()) {
            command.add("-r");
        }
        command.add(what.variant().imageOptions(file.toString()));
        Path errors = place.file("qemu.err");
        Process process =
                place.start(
                        command,
                        ProcessBuilder.Redirect.DISCARD,
                        ProcessBuilder.Redirect.to(errors.toFile()));
        NbdServing server = new NbdServing(place, socket, process, true);
        server.awaitClients(errors);
        return server;
    }

    private void awaitListening(Path errors) {
        BufferedReader lines = process.inputReader(StandardCharsets.UTF_8);
        try {
            for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                if (line.contains("\"listening\"")) {
                    return; // It says little more, and less than a pipe holds.
                }
            }
            throw failed("gaur serve", errors);
        } catch (IOException failure) {
            throw new UncheckedIOException(failure);
        }
    }

    /** Asks for the export until it is there, or the server is not. */
    private void awaitClients(Path errors) {
        try {
            for (int i = 0; i < ATTEMPTS && !process.waitFor(ATTEMPT_MILLIS, MILLISECONDS); i++) {
                if (answers()) {
                    return;
                }
            }
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
        }
        throw failed("qemu-nbd", errors);
    }

    private boolean answers() {
        try {
            NbdClient.connect(NbdAddress.parse(uri("")), ClientOptions.DEFAULT).close();
            return true;
        } catch (BlockException _) {
            return false;
        }
    }

    private FiguresException failed(String name, Path errors) {
        process.destroyForcibly();
        String said = "";
        try {
            said = Files.readString(errors).strip();
        } catch (IOException _) {
            // Then it said nothing.
        }
        return new FiguresException(name + " does not start: " + said);
    }

    private String uri(String export) {
        return "nbd+unix:///" + export + "?socket=" + socket;
    }

    /** Returns where clients find an image. */
    String uri(Path file) {
        return uri(foreign ? "" : file.getFileName().toString());
    }

    /** Flushes an image, and returns how many seconds that took. */
    double flush(Path file) {
        try (NbdClient client =
                NbdClient.connect(NbdAddress.parse(uri(file)), ClientOptions.DEFAULT)) {
            long start = System.nanoTime();
            client.flush();
            return (System.nanoTime() - start) / 1e9;
        }
    }

    @Override
    public void close() {
        process.destroy();
        process.onExit().join();
        place.delete(socket);
    }
}
