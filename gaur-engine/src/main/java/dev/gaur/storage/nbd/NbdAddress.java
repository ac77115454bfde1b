package dev.gaur.storage.nbd;

import dev.gaur.block.BlockException;
import dev.gaur.nbd.Nbd;
import dev.gaur.net.Endpoint;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.List;

/**
 * Where an export is. Written as a URI, {@code nbd://host:port/export} or {@code
 * nbd+unix:///export?socket=PATH} (with {@code nbds} for TLS), or in QEMU's older way, {@code
 * nbd:host:port:exportname=NAME} and {@code nbd:unix:PATH:exportname=NAME}. Errors have QEMU's
 * words.
 *
 * @param endpoint the server
 * @param export the name of the export, empty for the server's default
 * @param tls whether the connection has to be a secret one
 */
public record NbdAddress(Endpoint endpoint, String export, boolean tls) {
    private static final List<String> SCHEMES =
            List.of("nbd", "nbd+tcp", "nbd+unix", "nbds", "nbds+tcp", "nbds+unix");

    private static final String EXPORT = ":exportname=";
    private static final String UNIX = "unix:";
    private static final int PORT_MAX = 65535;

    /** Tells whether a name is one of an export, right or wrong. */
    public static boolean isAddress(String name) {
        int colon = name.indexOf(':');
        return colon > 0 && SCHEMES.contains(name.substring(0, colon));
    }

    /**
     * Reads a name.
     *
     * @throws BlockException.Unsupported if it is none of an export
     */
    public static NbdAddress parse(String name) {
        int colon = Math.max(0, name.indexOf(':'));
        String scheme = name.substring(0, colon);
        String rest = name.substring(colon);
        if (SCHEMES.contains(scheme) && rest.startsWith("://")) {
            return ofUri(scheme, rest.substring(3));
        }
        if (scheme.equals("nbd")) {
            return ofLegacy(rest.substring(1));
        }
        throw noUri();
    }

    private static BlockException.Unsupported refusal(String text) {
        return new BlockException.Unsupported("", "", text);
    }

    private static BlockException.Unsupported noUri() {
        return refusal("No valid URL specified");
    }

    // ---- URIs

    private static NbdAddress ofUri(String scheme, String text) {
        int mark = text.indexOf('?');
        String query = mark < 0 ? "" : text.substring(mark + 1);
        String place = mark < 0 ? text : text.substring(0, mark);
        int slash = place.indexOf('/');
        String authority = slash < 0 ? place : place.substring(0, slash);
        String export = slash < 0 ? "" : decode(place.substring(slash + 1));
        boolean tls = scheme.startsWith("nbds");
        if (!scheme.endsWith("unix")) {
            if (mark >= 0) {
                throw noUri();
            }
            return new NbdAddress(ofAuthority(authority), export, tls);
        }
        String socket = "socket=";
        if (!authority.isEmpty() || !query.startsWith(socket) || query.indexOf('&') >= 0) {
            throw noUri();
        }
        return new NbdAddress(unix(decode(query.substring(socket.length()))), export, tls);
    }

    private static Endpoint ofAuthority(String text) {
        String authority = text.substring(text.lastIndexOf('@') + 1);
        int end = authority.startsWith("[") ? authority.indexOf(']') + 1 : authority.indexOf(':');
        String host = authority;
        String port = "";
        if (end > 0 && end < authority.length()) {
            host = authority.substring(0, end);
            port = authority.substring(end + 1);
        }
        boolean odd = end == 0 || (end > 0 && end < authority.length() && port.isEmpty());
        if (host.isEmpty() || odd || (!port.isEmpty() && authority.charAt(end) != ':')) {
            throw noUri();
        }
        return new Endpoint.Tcp(
                decode(withoutBrackets(host)), port.isEmpty() ? Nbd.PORT : uriPort(port));
    }

    private static int uriPort(String text) {
        int port = port(text);
        if (port < 0) {
            throw noUri();
        }
        return port;
    }

    private static String withoutBrackets(String host) {
        return host.startsWith("[") && host.endsWith("]")
                ? host.substring(1, host.length() - 1)
                : host;
    }

    /** Replaces %41 by A and so on. */
    private static String decode(String text) {
        if (text.indexOf('%') < 0) {
            return text;
        }
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        ByteBuffer decoded = ByteBuffer.allocate(bytes.length);
        for (int i = 0; i < bytes.length; i++) {
            if (bytes[i] != '%') {
                decoded.put(bytes[i]);
                continue;
            }
            int high = i + 2 < bytes.length ? Character.digit(bytes[i + 1], 16) : -1;
            int low = i + 2 < bytes.length ? Character.digit(bytes[i + 2], 16) : -1;
            if (high < 0 || low < 0 || (high | low) == 0) {
                throw noUri();
            }
            decoded.put((byte) (high << 4 | low));
            i += 2;
        }
        try {
            return StandardCharsets.UTF_8.newDecoder().decode(decoded.flip()).toString();
        } catch (CharacterCodingException _) {
            throw noUri();
        }
    }

    // ---- QEMU's older names

    private static NbdAddress ofLegacy(String text) {
        int mark = text.indexOf(EXPORT);
        String server = mark < 0 ? text : text.substring(0, mark);
        String export = mark < 0 ? "" : text.substring(mark + EXPORT.length());
        if (server.isEmpty() || (mark >= 0 && export.isEmpty())) {
            throw refusal("NBD server address missing");
        }
        Endpoint endpoint =
                server.startsWith(UNIX) ? unix(server.substring(UNIX.length())) : ofHost(server);
        return new NbdAddress(endpoint, export, false);
    }

    private static Endpoint ofHost(String text) {
        int colon = text.startsWith("[") ? text.indexOf("]:") + 1 : text.indexOf(':');
        if (colon <= 0 || colon + 1 == text.length()) {
            throw refusal("error parsing address '" + text + "'");
        }
        String host = withoutBrackets(text.substring(0, colon));
        return tcp(host, text.substring(colon + 1));
    }

    // ---- parts

    /** A Unix socket; a path that cannot be one is refused. */
    public static Endpoint unix(String path) {
        try {
            return new Endpoint.Unix(Path.of(path));
        } catch (InvalidPathException _) {
            throw refusal("UNIX socket path '" + path + "' cannot be used");
        }
    }

    /** A TCP port by its number. */
    public static Endpoint tcp(String host, String port) {
        int number = port(port);
        if (number < 0) {
            throw refusal(
                    "address resolution failed for %s:%s: Servname not supported for ai_socktype"
                            .formatted(host, port));
        }
        return new Endpoint.Tcp(host, number);
    }

    private static int port(String text) {
        try {
            int port = Integer.parseInt(text);
            return port >= 0 && port <= PORT_MAX && Character.isDigit(text.charAt(0)) ? port : -1;
        } catch (NumberFormatException _) {
            return -1;
        }
    }

    /** Returns what a certificate of the server must be for; empty if it may be any. */
    public String host() {
        return endpoint instanceof Endpoint.Tcp tcp ? tcp.host() : "";
    }

    /** Returns the name that QEMU shows: a URI, but nothing in it is encoded. */
    @Override
    public String toString() {
        String scheme = tls ? "nbds" : "nbd";
        return switch (endpoint) {
            case Endpoint.Unix(Path path) ->
                    scheme
                            + "+unix://"
                            + (export.isEmpty() ? "" : "/" + export)
                            + "?socket="
                            + path;
            case Endpoint.Tcp tcp -> scheme + "://" + tcp + (export.isEmpty() ? "" : "/" + export);
            case Endpoint.Inherited it -> it.toString();
        };
    }
}
