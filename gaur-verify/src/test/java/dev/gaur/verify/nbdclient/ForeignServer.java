package dev.gaur.verify.nbdclient;

import dev.gaur.block.BlockException;
import dev.gaur.net.Endpoint;
import dev.gaur.net.Security;
import dev.gaur.net.TlsCredentials;
import dev.gaur.storage.nbd.ClientOptions;
import dev.gaur.storage.nbd.NbdAddress;
import dev.gaur.storage.nbd.NbdClient;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** A running server of somebody else, on a Unix socket. */
final class ForeignServer implements AutoCloseable {
    private static final int SECONDS_MAX = 60;

    private static final ClientOptions PATIENT =
            ClientOptions.DEFAULT.withOpenTimeout(Duration.ofSeconds(SECONDS_MAX));

    private final NbdAddress address;
    private final Path socket;
    private final Process process;

    private ForeignServer(Path socket, boolean tls, Process process) {
        this.address = new NbdAddress(new Endpoint.Unix(socket), "", tls);
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

    /**
     * Starts qemu-nbd with TLS; clients, too, must have a certificate of the folder's authority.
     */
    static ForeignServer secretQemuNbd(Path folder, Path certificates, String... arguments)
            throws IOException {
        Path socket = unused(folder);
        List<String> command =
                new ArrayList<>(List.of("qemu-nbd", "-t", "-e", "8", "-k", socket.toString()));
        command.addAll(
                List.of(
                        "--object",
                        "tls-creds-x509,id=t,endpoint=server,dir=" + certificates,
                        "--tls-creds=t"));
        command.addAll(List.of(arguments));
        Security security = TlsCredentials.ofClient(certificates, true).forClient("");
        return start(socket, command, Optional.of(security));
    }

    private static Path unused(Path folder) throws IOException {
        return Files.createTempDirectory(folder, "nbd").resolve("socket");
    }

    private static ForeignServer start(Path socket, List<String> command) throws IOException {
        return start(socket, command, Optional.empty());
    }

    /** Returns when the server takes clients. */
    private static ForeignServer start(
            Path socket, List<String> command, Optional<Security> security) throws IOException {
        Path log = socket.resolveSibling("log");
        Process started =
                new ProcessBuilder(command)
                        .redirectErrorStream(true)
                        .redirectOutput(log.toFile())
                        .start();
        ForeignServer server = new ForeignServer(socket, security.isPresent(), started);
        try {
            NbdClient.connect(server.address, PATIENT.withSecurity(security)).close();
            return server;
        } catch (BlockException failure) {
            if (failure.found().startsWith("Requested export not available")) {
                return server; // Takes clients, but of other exports.
            }
            server.close();
            throw new AssertionError(command + ": " + Files.readString(log), failure);
        }
    }

    /** Returns where its default export is. */
    NbdAddress address() {
        return address;
    }

    /** Returns the same as a name that programs take. */
    String uri() {
        return (address.tls() ? "nbds" : "nbd") + "+unix:///?socket=" + socket;
    }

    Path socket() {
        return socket;
    }

    /** Does not wait for clients to leave, as nbdkit would. */
    @Override
    public void close() {
        process.destroyForcibly();
        process.onExit().join();
    }
}
