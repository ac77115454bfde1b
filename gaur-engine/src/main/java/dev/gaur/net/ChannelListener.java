package dev.gaur.net;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import org.jspecify.annotations.Nullable;

/** Listens through Java's channels. */
final class ChannelListener implements Listener {
    private final ServerSocketChannel channel;
    private final Endpoint endpoint;

    private ChannelListener(ServerSocketChannel channel, Endpoint endpoint) {
        this.channel = channel;
        this.endpoint = endpoint;
    }

    static ChannelListener open(Endpoint wanted) throws IOException {
        return switch (wanted) {
            case Endpoint.Unix unix -> {
                var channel = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
                yield bound(channel, UnixDomainSocketAddress.of(unix.path()), unix);
            }
            case Endpoint.Tcp tcp ->
                    bound(ServerSocketChannel.open(), Net.addresses(tcp).getFirst(), tcp);
            case Endpoint.Inherited _ ->
                    throw new IOException(
                            "sockets of another process need native access, which is not allowed");
        };
    }

    private static ChannelListener bound(
            ServerSocketChannel channel, SocketAddress address, Endpoint wanted)
            throws IOException {
        try {
            channel.bind(address);
            Endpoint bound =
                    wanted instanceof Endpoint.Tcp(String host, int _)
                                    && channel.getLocalAddress() instanceof InetSocketAddress local
                            ? new Endpoint.Tcp(host, local.getPort())
                            : wanted;
            return new ChannelListener(channel, bound);
        } catch (IOException failure) {
            channel.close();
            throw failure;
        }
    }

    @Override
    public Endpoint endpoint() {
        return endpoint;
    }

    @Override
    public Transport accept() throws IOException {
        SocketChannel accepted = channel.accept();
        try {
            return new ChannelTransport(accepted, describe(accepted.getRemoteAddress()));
        } catch (IOException failure) {
            accepted.close();
            throw failure;
        }
    }

    private String describe(@Nullable SocketAddress remote) {
        return remote instanceof InetSocketAddress it ? it.toString() : endpoint.toString();
    }

    @Override
    public void close() {
        try {
            channel.close();
            if (endpoint instanceof Endpoint.Unix(var path)) {
                Files.deleteIfExists(path);
            }
        } catch (IOException _) {
            // Nobody can connect any more; a file left behind does no harm.
        }
    }
}
