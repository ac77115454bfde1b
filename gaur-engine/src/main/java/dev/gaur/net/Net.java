package dev.gaur.net;

import dev.gaur.ffi.Posix;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.UnknownHostException;
import java.util.ArrayList;
import java.util.List;

/** Connects and listens. */
public final class Net {
    /** What a server of a list of addresses is bound to when none is named. */
    private static final String EVERYWHERE = "::";

    private Net() {}

    /** Connects; of a name with several addresses the first that answers is taken. */
    public static Transport connect(Endpoint endpoint) throws IOException {
        boolean fast = Posix.isAvailable();
        return switch (endpoint) {
            case Endpoint.Unix unix ->
                    fast ? NativeTransport.connect(unix) : ChannelTransport.connect(unix);
            case Endpoint.Tcp tcp -> connect(tcp, fast);
            case Endpoint.Inherited _ -> throw new IllegalArgumentException("is for listening");
        };
    }

    private static Transport connect(Endpoint.Tcp tcp, boolean fast) throws IOException {
        IOException failure = null;
        for (InetSocketAddress address : addresses(tcp)) {
            try {
                return fast ? NativeTransport.connect(address) : ChannelTransport.connect(address);
            } catch (IOException failed) {
                failure = failed;
            }
        }
        throw failure == null ? new UnknownHostException(tcp.host()) : failure;
    }

    /** Listens. A Unix socket that nobody listens to any more is replaced. */
    public static Listener listen(Endpoint endpoint) throws IOException {
        if (endpoint instanceof Endpoint.Unix(var path)) {
            StaleSocket.remove(path);
        }
        return Posix.isAvailable() ? NativeListener.open(endpoint) : ChannelListener.open(endpoint);
    }

    /** Returns the addresses of a name, in the system's order; all of this machine's for none. */
    static List<InetSocketAddress> addresses(Endpoint.Tcp tcp) throws UnknownHostException {
        String host = tcp.host().isEmpty() ? EVERYWHERE : tcp.host();
        List<InetSocketAddress> found = new ArrayList<>();
        for (InetAddress address : InetAddress.getAllByName(host)) {
            found.add(new InetSocketAddress(address, tcp.port()));
        }
        return found;
    }
}
