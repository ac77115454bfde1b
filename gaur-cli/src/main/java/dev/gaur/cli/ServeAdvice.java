package dev.gaur.cli;

import dev.gaur.export.Export;
import dev.gaur.net.Endpoint;
import java.nio.file.Path;

/** Shows people how other programs attach to an export. */
final class ServeAdvice {
    private ServeAdvice() {}

    /** Returns a few commands; nothing for a socket whose place is not known. */
    static String of(Endpoint endpoint, Export export, boolean tls) {
        String uri = ExportUris.of(endpoint, export.name(), tls);
        if (uri.isEmpty()) {
            return "";
        }
        return tls ? secret(endpoint, export, uri) : plain(endpoint, export, uri);
    }

    private static String plain(Endpoint endpoint, Export export, String uri) {
        String access = access(export);
        StringBuilder text = new StringBuilder("to use it:\n");
        text.append("  nbdinfo '").append(uri).append("'\n");
        text.append("  nbdcopy '").append(uri).append("' copy.raw\n");
        text.append("  qemu-img convert -f raw -O qcow2 '").append(uri).append("' copy.qcow2\n");
        text.append("  qemu-system-x86_64 -drive 'if=virtio,format=raw,file=").append(uri);
        text.append(access).append("'\n");
        text.append("  qemu-system-x86_64 -blockdev 'driver=nbd,node-name=disk,");
        text.append(node(endpoint, export)).append(access);
        text.append("' \\\n    -device virtio-blk-pci,drive=disk\n");
        text.append("  nbd-client ").append(clientPlace(endpoint));
        text.append(export.writable() ? "" : " -readonly");
        return text.append(" -N '").append(export.name()).append("' /dev/nbd0\n").toString();
    }

    /** Only what works with TLS: QEMU takes no credentials with a URI. */
    private static String secret(Endpoint endpoint, Export export, String uri) {
        boolean unix = endpoint instanceof Endpoint.Unix;
        String more = unix ? "&tls-hostname=HOST&" : "?";
        String object = "tls-creds-x509,id=tls,endpoint=client,dir=DIR";
        String node =
                node(endpoint, export) + ",tls-creds=tls" + (unix ? ",tls-hostname=HOST" : "");
        StringBuilder text = new StringBuilder("to use it with the certificates in the folder DIR");
        text.append(unix ? ", if ours is of HOST:\n" : ":\n");
        String place = uri + more + "tls-certificates=DIR";
        text.append("  nbdinfo '").append(place).append("'\n");
        text.append("  nbdcopy '").append(place).append("' copy.raw\n");
        text.append("  qemu-img convert --object ").append(object).append(" -O qcow2 \\\n");
        text.append("    --image-opts 'driver=nbd,").append(node).append("' copy.qcow2\n");
        text.append("  qemu-system-x86_64 -object ").append(object).append(" \\\n");
        text.append("    -blockdev 'driver=nbd,node-name=disk,").append(node);
        text.append(access(export)).append("' \\\n    -device virtio-blk-pci,drive=disk\n");
        return text.toString();
    }

    private static String access(Export export) {
        return export.writable() ? "" : ",read-only=on";
    }

    private static String node(Endpoint endpoint, Export export) {
        return server(endpoint) + ",export=" + export.name().replace(",", ",,");
    }

    // A switch would have Java make a class for it at each start.

    private static String server(Endpoint endpoint) {
        if (endpoint instanceof Endpoint.Tcp tcp) {
            String host = ExportUris.host(tcp);
            return "server.type=inet,server.host=" + host + ",server.port=" + tcp.port();
        }
        return "server.type=unix,server.path=" + path(endpoint).replace(",", ",,");
    }

    private static String clientPlace(Endpoint endpoint) {
        return endpoint instanceof Endpoint.Tcp tcp
                ? ExportUris.host(tcp) + " " + tcp.port()
                : "-unix '" + path(endpoint) + "'";
    }

    private static String path(Endpoint endpoint) {
        return endpoint instanceof Endpoint.Unix(Path path)
                ? path.toAbsolutePath().toString()
                : endpoint.toString();
    }
}
