package dev.gaur.verify.nbdclient;

import dev.gaur.block.BlockException;
import dev.gaur.net.Endpoint;
import dev.gaur.storage.nbd.ClientOptions;
import dev.gaur.storage.nbd.NbdAddress;
import dev.gaur.storage.nbd.NbdClient;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/** A running server of somebody else, on a Unix socket. */
final class ForeignServer implements AutoCloseable {
    private static final int SECONDS_MAX = 60;

    private static final ClientOptions PATIENT =
            ClientOptions.DEFAULT.withOpenTimeout(Duration.ofSeconds(SECONDS_MAX));

    private final Path socket;
    private final Process process;

    private ForeignServer(Path socket, Process process) {
        this.socket = socket;
        this.process = process;
    }

    /** Starts nbdkit with filters, a plugin and what these are told. */
    static ForeignServer nbdkit(Path folder, String... arguments) throws IOException {
        Path socket = unused(folder);
        List<String> command = new ArrayList<>(List.of("nbdkit", "-f", "-U", socket.toString()));
        command.addAll(List.of(arguments));
        return start(socket, command);
    }

    /** Starts qemu-nbd for several clients, one after the other or together. */
    static ForeignServer qemuNbd(Path folder, String... arguments) throws IOException {
        Path socket = unused(folder);
        List<String> command =
                new ArrayList<>(List.of("qemu-nbd", "-t", "-e", "8", "-k", socket.toString()));
        command.addAll(List.of(arguments));
        return start(socket, command);
    }

    private static Path unused(Path folder) throws IOException {
        return Files.createTempDirectory(folder, "nbd").resolve("socket");
    }

    /** Returns when the server takes clients. */
    private static ForeignServer start(Path socket, List<String> command) throws IOException {
        Path log = socket.resolveSibling("log");
        Process started =
                new ProcessBuilder(command)
                        .redirectErrorStream(true)
                        .redirectOutput(log.toFile())
                        .start();
        ForeignServer server = new ForeignServer(socket, started);
        try {
            NbdClient.connect(server.address(), PATIENT).close();
            return server;
        } catch (BlockException failure) {
            server.close();
            throw new AssertionError(command + ": " + Files.readString(log), failure);
        }
    }

    /** Returns where its default export is. */
    NbdAddress address() {
        return new NbdAddress(new Endpoint.Unix(socket), "", false);
    }

    /** Returns the same as a name that programs take. */
    String uri() {
        return "nbd+unix:///?socket=" + socket;
    }

    /** Does not wait for clients to leave, as nbdkit would. */
    @Override
    public void close() {
        process.destroyForcibly();
        process.onExit().join();
    }
}
