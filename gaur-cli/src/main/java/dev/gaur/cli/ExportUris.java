package dev.gaur.cli;

import dev.gaur.nbd.Nbd;
import dev.gaur.net.Endpoint;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;

/** NBD URIs, as the NBD project defines them. */
final class ExportUris {
    private static final String PLAIN = "-._~/";
    private static final String HEX = "0123456789ABCDEF";

    private ExportUris() {}

    /**
     * Returns where clients find an export; empty for a socket whose place is not known.
     *
     * @param tls whether they need TLS
     */
    static String of(Endpoint endpoint, String export, boolean tls) {
        String name = encoded(export);
        String scheme = tls ? "nbds" : "nbd";
        if (endpoint instanceof Endpoint.Unix(Path path)) {
            String socket = encoded(path.toAbsolutePath().toString());
            return scheme + "+unix:///" + name + "?socket=" + socket;
        }
        return endpoint instanceof Endpoint.Tcp tcp
                ? scheme + "://" + authority(tcp) + "/" + name
                : "";
    }

    /** Returns the host by which clients on this machine reach a server. */
    static String host(Endpoint.Tcp tcp) {
        boolean everywhere =
                tcp.host().isEmpty() || tcp.host().equals("0.0.0.0") || tcp.host().equals("::");
        return everywhere ? "localhost" : tcp.host();
    }

    private static String authority(Endpoint.Tcp tcp) {
        String host = host(tcp);
        host = host.indexOf(':') < 0 ? host : "[" + host + "]";
        return tcp.port() == Nbd.PORT ? host : host + ":" + tcp.port();
    }

    private static String encoded(String text) {
        StringBuilder encoded = new StringBuilder();
        for (byte each : text.getBytes(StandardCharsets.UTF_8)) {
            char c = (char) (each & 0xff);
            boolean letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
            if (letter || (c >= '0' && c <= '9') || PLAIN.indexOf(c) >= 0) {
                encoded.append(c);
            } else {
                encoded.append('%').append(HEX.charAt(c >> 4)).append(HEX.charAt(c & 15));
            }
        }
        return encoded.toString();
    }
}
