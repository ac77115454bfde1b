package dev.gaur.graph;

import dev.gaur.nbd.Nbd;
import dev.gaur.net.Endpoint;
import dev.gaur.net.Security;
import dev.gaur.storage.nbd.ClientOptions;
import dev.gaur.storage.nbd.NbdAddress;
import java.time.Duration;
import java.util.Optional;

/**
 * Options of the NBD driver, as QEMU has them; {@code connections} is ours.
 *
 * @param address of the export
 * @param client how the server is used
 */
record NbdOptions(NbdAddress address, ClientOptions client) {
    private static final int CONNECTIONS_MAX = 64;

    static NbdOptions read(OptionReader options, Credentials credentials) {
        String name = options.text("filename", "");
        NbdAddress address =
                name.isEmpty()
                        ? new NbdAddress(server(options), options.text("export", ""), false)
                        : NbdAddress.parse(name);
        ClientOptions client =
                ClientOptions.DEFAULT
                        .withConnections(connections(options))
                        .withReconnectDelay(seconds(options, "reconnect-delay"))
                        .withOpenTimeout(seconds(options, "open-timeout"))
                        .withSecurity(security(options, address, credentials));
        options.endOfProtocol("nbd");
        return new NbdOptions(address, client);
    }

    private static Optional<Security> security(
            OptionReader options, NbdAddress address, Credentials credentials) {
        String id = options.text("tls-creds", "");
        String host = options.text("tls-hostname", address.host());
        return id.isEmpty() && !address.tls()
                ? Optional.empty()
                : Optional.of(credentials.forClient(id, host));
    }

    private static int connections(OptionReader options) {
        long count = options.number("connections", ClientOptions.DEFAULT.connections());
        if (count < 1 || count > CONNECTIONS_MAX) {
            throw OptionReader.refusal(
                    "Parameter 'connections' expects a number from 1 to " + CONNECTIONS_MAX);
        }
        return (int) count;
    }

    private static Duration seconds(OptionReader options, String key) {
        long seconds = options.number(key, 0);
        if (seconds < 0 || seconds > 0xffffffffL) {
            throw OptionReader.refusal("Parameter '" + key + "' expects uint32_t");
        }
        return Duration.ofSeconds(seconds);
    }

    // ---- the server

    private static Endpoint server(OptionReader options) {
        OptionTree server = options.child("server");
        String path = options.text("path", "");
        String host = options.text("host", "");
        String port = options.text("port", "");
        if (server.isEmpty()) {
            return ofOldOptions(path, host, port);
        }
        if (!path.isEmpty() || !host.isEmpty() || !port.isEmpty()) {
            throw OptionReader.refusal(
                    "'server' and path/host/port cannot be used at the same time");
        }
        OptionReader reader = new OptionReader(server);
        Endpoint endpoint = ofServer(reader);
        reader.unknown()
                .ifPresent(
                        key -> {
                            throw OptionReader.refusal(
                                    "Parameter 'server." + key + "' is unexpected");
                        });
        return endpoint;
    }

    private static Endpoint ofOldOptions(String path, String host, String port) {
        if (!path.isEmpty() && !host.isEmpty()) {
            throw OptionReader.refusal("path and host may not be used at the same time");
        }
        if (!path.isEmpty()) {
            if (!port.isEmpty()) {
                throw OptionReader.refusal("port may not be used without host");
            }
            return NbdAddress.unix(path);
        }
        if (host.isEmpty()) {
            throw OptionReader.refusal("NBD server address missing");
        }
        return NbdAddress.tcp(host, port.isEmpty() ? Integer.toString(Nbd.PORT) : port);
    }

    private static Endpoint ofServer(OptionReader server) {
        return switch (required(server, "type")) {
            case "unix" -> NbdAddress.unix(required(server, "path"));
            case "inet" -> {
                server.flag("ipv4"); // The system's order of addresses will do.
                server.flag("ipv6");
                server.flag("keep-alive");
                server.flag("numeric");
                yield NbdAddress.tcp(required(server, "host"), required(server, "port"));
            }
            default ->
                    throw OptionReader.refusal(
                            "Parameter 'type' does not accept value '"
                                    + server.text("type", "")
                                    + "'");
        };
    }

    private static String required(OptionReader server, String key) {
        String value = server.text(key, "");
        if (value.isEmpty()) {
            throw OptionReader.refusal("Parameter '" + key + "' is missing");
        }
        return value;
    }
}
