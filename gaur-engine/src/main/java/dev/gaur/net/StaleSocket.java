package dev.gaur.net;

import java.io.IOException;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;

/** The file of a socket whose server was killed: it is in the way of the next. */
final class StaleSocket {
    private static final int TYPE_MASK = 0170000;
    private static final int SOCKET = 0140000;

    private StaleSocket() {}

    /** Removes the file if it is a socket that nobody listens to; anything else stays. */
    static void remove(Path path) throws IOException {
        if (Files.exists(path, LinkOption.NOFOLLOW_LINKS) && isSocket(path) && !isAlive(path)) {
            Files.deleteIfExists(path);
        }
    }

    private static boolean isSocket(Path path) throws IOException {
        Object mode = Files.getAttribute(path, "unix:mode", LinkOption.NOFOLLOW_LINKS);
        return mode instanceof Integer bits && (bits & TYPE_MASK) == SOCKET;
    }

    private static boolean isAlive(Path path) {
        try (SocketChannel _ = SocketChannel.open(UnixDomainSocketAddress.of(path))) {
            return true;
        } catch (IOException _) {
            return false;
        }
    }
}
