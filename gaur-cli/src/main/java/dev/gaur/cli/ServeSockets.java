package dev.gaur.cli;

import dev.gaur.nbd.Nbd;
import dev.gaur.net.Endpoint;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * Where {@code gaur serve} listens.
 *
 * @param needed without these it does not begin
 * @param wished what it is content to do without
 */
record ServeSockets(List<Endpoint> needed, List<Endpoint> wished) {
    private static final String DEFAULT_SOCKET = "gaur.sock";
    private static final String DEFAULT_HOST = "127.0.0.1";
    private static final int PORT_MAX = 65535;

    static ServeSockets of(Invocation call) {
        boolean socket = call.has(ServeCommand.SOCKET);
        boolean port = call.has(ServeCommand.PORT) || call.has(ServeCommand.ADDRESS);
        List<Endpoint> inherited = Activation.endpoints();
        if (!inherited.isEmpty()) {
            if (socket || port) {
                throw new CommandException(
                        "-k, -p and -b cannot be used when whoever starts it opens the sockets");
            }
            return new ServeSockets(inherited, List.of());
        }
        List<Endpoint> needed = new ArrayList<>();
        for (String path : call.values(ServeCommand.SOCKET)) {
            needed.add(new Endpoint.Unix(Path.of(path)));
        }
        String host = call.value(ServeCommand.ADDRESS, DEFAULT_HOST);
        long number = ServeCommand.number(call, ServeCommand.PORT, Nbd.PORT, PORT_MAX);
        Endpoint tcp = new Endpoint.Tcp(host, (int) number);
        if (port) {
            needed.add(tcp);
        }
        if (needed.isEmpty()) {
            Endpoint usual = new Endpoint.Unix(Path.of(DEFAULT_SOCKET));
            return new ServeSockets(List.of(usual), List.of(tcp));
        }
        return new ServeSockets(needed, List.of());
    }

    /** Listens on all that can be had. */
    void listen(Service service, ServeReport report) {
        for (Endpoint endpoint : needed) {
            try {
                service.listen(endpoint);
            } catch (IOException | IllegalArgumentException failure) {
                throw new CommandException(
                        "cannot listen on " + endpoint + ": " + failure.getMessage());
            }
        }
        for (Endpoint endpoint : wished) {
            try {
                service.listen(endpoint);
            } catch (IOException failure) {
                report.leftOut("not listening on " + endpoint + ": " + failure.getMessage());
            }
        }
    }
}
