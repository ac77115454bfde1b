package dev.gaur.cli;

import dev.gaur.nbd.Nbd;
import dev.gaur.net.Endpoint;
import java.io.IOException;
import java.net.UnknownHostException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;

/** The socket of {@code gaur nbd}; errors are in qemu-nbd's words. */
final class NbdSocket {
    private static final String EVERYWHERE = "0.0.0.0";
    private static final int UNIX_PATH_BYTES = 108;

    private NbdSocket() {}

    /** Returns where the options say that a server is. */
    static Endpoint endpoint(Invocation call) {
        return call.has(NbdCommand.SOCKET) ? unix(call.value(NbdCommand.SOCKET, "")) : tcp(call);
    }

    static void listen(Invocation call, NbdSettings settings, Service service) {
        if (!settings.inherited().isEmpty()) {
            inherit(settings.inherited().getFirst(), service);
        } else if (call.has(NbdCommand.SOCKET)) {
            listen(unix(call.value(NbdCommand.SOCKET, "")), service);
        } else {
            listen(tcp(call), service);
        }
    }

    private static void inherit(Endpoint endpoint, Service service) {
        try {
            service.listen(endpoint);
        } catch (IOException failure) {
            throw new CommandException(
                    "Socket activation failed: invalid file descriptor fd = 3: "
                            + failure.getMessage());
        }
    }

    private static Endpoint.Unix unix(String path) {
        if (path.getBytes(StandardCharsets.UTF_8).length >= UNIX_PATH_BYTES) {
            throw new CommandException(
                    "UNIX socket path '"
                            + path
                            + "' is too long\n"
                            + "Path must be less than 108 bytes");
        }
        return new Endpoint.Unix(Path.of(path));
    }

    private static void listen(Endpoint.Unix socket, Service service) {
        try {
            service.listen(socket);
        } catch (IOException failure) {
            throw new CommandException(
                    "Failed to bind socket to " + socket.path() + ": " + failure.getMessage());
        }
    }

    private static Endpoint.Tcp tcp(Invocation call) {
        String host = call.value(NbdCommand.BIND, EVERYWHERE);
        String port = call.value(NbdCommand.PORT, Integer.toString(Nbd.PORT));
        return new Endpoint.Tcp(host, number(host, port));
    }

    private static void listen(Endpoint.Tcp socket, Service service) {
        try {
            service.listen(socket);
        } catch (UnknownHostException _) {
            String port = Integer.toString(socket.port());
            throw unresolved(socket.host(), port, "Name or service not known");
        } catch (IOException failure) {
            String why = String.valueOf(failure.getMessage());
            String what =
                    why.equals("Address already in use")
                            ? "Failed to find an available port: "
                            : "Failed to bind socket: ";
            throw new CommandException(what + why);
        }
    }

    /** Reads a port as the C library does: what is too large wraps. */
    private static int number(String host, String port) {
        try {
            if (port.startsWith("+") || port.startsWith("-")) {
                throw new NumberFormatException();
            }
            return Integer.parseInt(port) & 0xffff;
        } catch (NumberFormatException _) {
            throw unresolved(host, port, "Servname not supported for ai_socktype");
        }
    }

    private static CommandException unresolved(String host, String port, String why) {
        return new CommandException(
                "address resolution failed for " + host + ":" + port + ": " + why);
    }
}
