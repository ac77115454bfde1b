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

    /** Returns where clients find an export; empty for a socket whose place is not known. */
    static String of(Endpoint endpoint, String export) {
        String name = encoded(export);
        if (endpoint instanceof Endpoint.Unix(Path path)) {
            String socket = encoded(path.toAbsolutePath().toString());
            return "nbd+unix:///" + name + "?socket=" + socket;
        }
        return endpoint instanceof Endpoint.Tcp tcp ? "nbd://" + authority(tcp) + "/" + name : "";
    }

    private static String authority(Endpoint.Tcp tcp) {
        boolean everywhere =
                tcp.host().isEmpty() || tcp.host().equals("0.0.0.0") || tcp.host().equals("::");
        String host = everywhere ? "localhost" : tcp.host();
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
