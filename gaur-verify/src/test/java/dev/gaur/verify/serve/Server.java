package dev.gaur.verify.serve;

import dev.gaur.verify.Peers;
import dev.gaur.verify.rules.Repository;
import java.io.BufferedReader;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;

/** A server that runs in the background of a test; closing kills what did not end before. */
final class Server implements AutoCloseable {
    static final Path GAUR = Repository.root().resolve("gaur");
    private static final int TIMEOUT_SECONDS = 120;

    private final Process process;
    private final BufferedReader lines;
    private final Path errors;
    private final List<String> said = new ArrayList<>();

    private Server(Process process, Path errors) {
        this.process = process;
        this.errors = errors;
        this.lines = process.inputReader(StandardCharsets.UTF_8);
    }

    /** Starts a program in a folder. */
    static Server start(Path folder, Object... command) throws IOException {
        List<String> words = new ArrayList<>();
        for (Object word : command) {
            words.add(word.toString());
        }
        Path errors = Files.createTempFile("gaur-server", ".err");
        Process process =
                new ProcessBuilder(words)
                        .directory(folder.toFile())
                        .redirectError(errors.toFile())
                        .start();
        Server server = new Server(process, errors);
        Thread.ofVirtual().start(server::killLate);
        return server;
    }

    private void killLate() {
        try {
            if (!process.waitFor(TIMEOUT_SECONDS, TimeUnit.SECONDS)) {
                process.destroyForcibly();
            }
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
        }
    }

    /** Starts {@code gaur serve}, and waits until clients may come. */
    static Server serve(Path folder, Object... arguments) throws IOException {
        List<Object> command = new ArrayList<>(List.of(GAUR, "serve"));
        command.addAll(List.of(arguments));
        Server server = start(folder, command.toArray());
        server.await(line -> line.startsWith("listening") || line.contains("\"listening\""));
        return server;
    }

    /** Reads lines until one is as wanted, and returns that. */
    String await(Predicate<String> wanted) throws IOException {
        for (String line = lines.readLine(); line != null; line = lines.readLine()) {
            said.add(line);
            if (wanted.test(line)) {
                return line;
            }
        }
        throw new AssertionError("it ended: " + said + Files.readString(errors));
    }

    long pid() {
        return process.pid();
    }

    /** Returns the lines that were read so far. */
    List<String> said() {
        return said;
    }

    /** Sends a signal, waits for the end, and returns what it has printed since the start. */
    Peers.Result end(String signal) throws IOException {
        Peers.run("kill", "-" + signal, process.pid()).ok();
        return result();
    }

    /** Waits for the end. */
    Peers.Result result() throws IOException {
        for (String line = lines.readLine(); line != null; line = lines.readLine()) {
            said.add(line);
        }
        int status = process.onExit().join().exitValue();
        String out = said.isEmpty() ? "" : String.join("\n", said) + "\n";
        return new Peers.Result(List.of("server"), status, out, Files.readString(errors));
    }

    @Override
    public void close() throws IOException {
        process.destroyForcibly().onExit().join();
        lines.close();
        Files.deleteIfExists(errors);
    }
}
