package dev.gaur.verify.nbdclient;

import dev.gaur.net.Endpoint;
import dev.gaur.storage.nbd.NbdAddress;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** A running server of somebody else, on a Unix socket. */
final class ForeignServer implements AutoCloseable {
    private static final int SECONDS_MAX = 60;

    private final Path socket;
    private final ProcessHandle process;

    private ForeignServer(Path socket, ProcessHandle process) {
        this.socket = socket;
        this.process = process;
    }

    /** Starts nbdkit with filters, a plugin and what these are told. */
    static ForeignServer nbdkit(Path folder, String... arguments) throws Exception {
        Path socket = unused(folder);
        List<String> command = new ArrayList<>(List.of("nbdkit", "-U", socket.toString(), "-P"));
        command.add(pidFile(socket).toString());
        command.addAll(List.of(arguments));
        return start(socket, command);
    }

    /** Starts qemu-nbd for several clients, one after the other or together. */
    static ForeignServer qemuNbd(Path folder, String... arguments) throws Exception {
        Path socket = unused(folder);
        List<String> command =
                new ArrayList<>(List.of("qemu-nbd", "-t", "-e", "8", "-k", socket.toString()));
        command.addAll(List.of("--fork", "--pid-file", pidFile(socket).toString()));
        command.addAll(List.of(arguments));
        return start(socket, command);
    }

    private static Path unused(Path folder) throws IOException {
        return Files.createTempDirectory(folder, "nbd").resolve("socket");
    }

    private static Path pidFile(Path socket) {
        return socket.resolveSibling("pid");
    }

    /** Both go into the background when they are ready. */
    private static ForeignServer start(Path socket, List<String> command) throws Exception {
        Path log = socket.resolveSibling("log");
        Process started =
                new ProcessBuilder(command)
                        .redirectErrorStream(true)
                        .redirectOutput(log.toFile())
                        .start();
        if (!started.waitFor(SECONDS_MAX, TimeUnit.SECONDS) || started.exitValue() != 0) {
            started.destroyForcibly();
            throw new AssertionError(command + ": " + Files.readString(log));
        }
        long pid = Long.parseLong(Files.readString(pidFile(socket)).strip());
        return new ForeignServer(socket, ProcessHandle.of(pid).orElseThrow());
    }

    /** Returns where its default export is. */
    NbdAddress address() {
        return new NbdAddress(new Endpoint.Unix(socket), "", false);
    }

    /** Returns the same as a name that programs take. */
    String uri() {
        return "nbd+unix:///?socket=" + socket;
    }

    @Override
    public void close() {
        process.destroy();
        process.onExit().orTimeout(SECONDS_MAX, TimeUnit.SECONDS).join();
    }
}
