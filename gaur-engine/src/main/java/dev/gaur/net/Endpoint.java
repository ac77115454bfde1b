package dev.gaur.net;

import java.nio.file.Path;

/** Where a server listens, or a client connects to. */
public sealed interface Endpoint {
    /**
     * A Unix socket.
     *
     * @param path where it lies in the file system; at most 107 bytes
     */
    record Unix(Path path) implements Endpoint {
        @Override
        public String toString() {
            return "unix:" + path;
        }
    }

    /**
     * A TCP port.
     *
     * @param host name or address; empty for all addresses of this machine
     * @param port 0 to let the system choose when listening
     */
    record Tcp(String host, int port) implements Endpoint {
        @Override
        public String toString() {
            return (host.indexOf(':') < 0 ? host : "[" + host + "]") + ":" + port;
        }
    }

    /**
     * A listening socket that whoever started this process has opened (socket activation).
     *
     * @param descriptor its number
     */
    record Inherited(int descriptor) implements Endpoint {
        @Override
        public String toString() {
            return "descriptor " + descriptor;
        }
    }
}
