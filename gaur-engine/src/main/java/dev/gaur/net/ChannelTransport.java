package dev.gaur.net;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.net.InetSocketAddress;
import java.net.StandardSocketOptions;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;

/** A connection through Java's channels. */
final class ChannelTransport implements Transport {
    private final SocketChannel channel;
    private final String peer;

    ChannelTransport(SocketChannel channel, String peer) throws IOException {
        this.channel = channel;
        this.peer = peer;
        if (channel.supportedOptions().contains(StandardSocketOptions.TCP_NODELAY)) {
            channel.setOption(StandardSocketOptions.TCP_NODELAY, true);
            channel.setOption(StandardSocketOptions.SO_KEEPALIVE, true);
        }
    }

    static ChannelTransport connect(Endpoint.Unix unix) throws IOException {
        SocketChannel channel = SocketChannel.open(UnixDomainSocketAddress.of(unix.path()));
        return new ChannelTransport(channel, unix.toString());
    }

    static ChannelTransport connect(InetSocketAddress address) throws IOException {
        return new ChannelTransport(SocketChannel.open(address), address.toString());
    }

    @Override
    public int receive(MemorySegment target) throws IOException {
        return channel.read(target.asByteBuffer());
    }

    @Override
    public void send(MemorySegment source) throws IOException {
        ByteBuffer bytes = source.asByteBuffer();
        while (bytes.hasRemaining()) {
            channel.write(bytes);
        }
    }

    @Override
    public void shutdown() {
        close(); // Wakes all who wait, and no number can be taken for another.
    }

    @Override
    public void shutdownInput() {
        try {
            channel.shutdownInput();
        } catch (IOException _) {
            // Is over already.
        }
    }

    @Override
    public String peer() {
        return peer;
    }

    @Override
    public void close() {
        try {
            channel.close();
        } catch (IOException _) {
            // All that was sent is with the system; there is nobody to tell.
        }
    }
}
