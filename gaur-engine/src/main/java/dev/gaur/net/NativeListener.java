package dev.gaur.net;

import dev.gaur.ffi.Errno;
import dev.gaur.ffi.Posix;
import dev.gaur.ffi.Sockets;
import java.io.IOException;
import java.net.BindException;
import java.net.Inet6Address;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.ClosedChannelException;
import java.nio.file.Files;

/** Listens through system calls. */
final class NativeListener implements Listener {
    private static final int BACKLOG = 128;
    private static final int PORT_AT = 2;

    private final int fd;
    private final Endpoint endpoint;
    private final boolean tcp;
    private boolean ended; // guarded by this
    private boolean accepting; // guarded by this

    private NativeListener(int fd, Endpoint endpoint, boolean tcp) {
        this.fd = fd;
        this.endpoint = endpoint;
        this.tcp = tcp;
    }

    static NativeListener open(Endpoint wanted) throws IOException {
        return switch (wanted) {
            case Endpoint.Unix unix -> {
                byte[] address = Sockets.unixAddress(unix.path().toString());
                int fd = bound(Sockets.AF_UNIX, address);
                yield new NativeListener(fd, unix, false);
            }
            case Endpoint.Tcp tcp -> {
                InetSocketAddress address = Net.addresses(tcp).getFirst();
                int fd = bound(address);
                yield new NativeListener(fd, new Endpoint.Tcp(tcp.host(), port(fd)), true);
            }
            case Endpoint.Inherited it -> {
                boolean tcp = family(it.descriptor()) != Sockets.AF_UNIX;
                yield new NativeListener(it.descriptor(), it, tcp);
            }
        };
    }

    private static int bound(InetSocketAddress at) throws IOException {
        byte[] bytes = at.getAddress().getAddress();
        int scope = at.getAddress() instanceof Inet6Address six ? six.getScopeId() : 0;
        int family = bytes.length == 4 ? Sockets.AF_INET : Sockets.AF_INET6;
        return bound(family, Sockets.internetAddress(bytes, at.getPort(), scope));
    }

    private static int bound(int family, byte[] address) throws IOException {
        int fd = NativeTransport.checked(Sockets.socket(family));
        if (family != Sockets.AF_UNIX) {
            Sockets.setOption(fd, Sockets.SOL_SOCKET, Sockets.SO_REUSEADDR, 1);
        }
        if (family == Sockets.AF_INET6) { // Everywhere means IPv4, too.
            Sockets.setOption(fd, Sockets.IPPROTO_IPV6, Sockets.IPV6_V6ONLY, 0);
        }
        int result = Sockets.bind(fd, address);
        if (result == 0) {
            result = Sockets.listen(fd, BACKLOG);
        }
        if (result < 0) {
            Posix.close(fd);
            throw new BindException(Errno.text(-result));
        }
        return fd;
    }

    private static ByteBuffer name(int fd) throws IOException {
        byte[] name = Sockets.name(fd);
        if (name.length < PORT_AT) {
            throw new IOException("descriptor " + fd + " is not a socket");
        }
        return ByteBuffer.wrap(name);
    }

    private static int family(int fd) throws IOException {
        return name(fd).order(ByteOrder.nativeOrder()).getShort(0);
    }

    private static int port(int fd) throws IOException {
        return Short.toUnsignedInt(name(fd).getShort(PORT_AT));
    }

    @Override
    public Endpoint endpoint() {
        return endpoint;
    }

    @Override
    public Transport accept() throws IOException {
        enter();
        int accepted;
        try {
            accepted = Sockets.accept(fd);
        } finally {
            leave();
        }
        if (accepted < 0) {
            requireOpen();
            throw new IOException(Errno.text(-accepted));
        }
        return new NativeTransport(accepted, "a client of " + endpoint, tcp);
    }

    private synchronized void enter() throws IOException {
        requireOpen();
        accepting = true;
    }

    private synchronized void leave() {
        accepting = false;
        if (ended) {
            Posix.close(fd);
        }
    }

    private synchronized void requireOpen() throws IOException {
        if (ended) {
            throw new ClosedChannelException();
        }
    }

    @Override
    public synchronized void close() {
        if (ended) {
            return;
        }
        ended = true;
        if (accepting) {
            Sockets.shutdown(fd, Sockets.SHUT_RDWR); // Wakes who waits, who then closes it.
        } else {
            Posix.close(fd);
        }
        try {
            if (endpoint instanceof Endpoint.Unix(var path)) {
                Files.deleteIfExists(path);
            }
        } catch (IOException _) {
            // Nobody can connect any more; a file left behind does no harm.
        }
    }
}
