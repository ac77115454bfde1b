package dev.gaur.net;

import dev.gaur.ffi.Errno;
import dev.gaur.ffi.Posix;
import dev.gaur.ffi.Sockets;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.net.ConnectException;
import java.net.Inet6Address;
import java.net.InetSocketAddress;
import java.nio.file.NoSuchFileException;

/** A connection through system calls. Buffers must be native. */
final class NativeTransport implements Transport {
    /** Room for several megabytes of requests; the system gives what it allows. */
    private static final int BUFFER_BYTES = 1 << 20;

    private final int fd;
    private final String peer;
    private final Spin spin = new Spin();
    private boolean closed; // guarded by this

    NativeTransport(int fd, String peer, boolean tcp) {
        this.fd = fd;
        this.peer = peer;
        if (tcp) {
            Sockets.setOption(fd, Sockets.IPPROTO_TCP, Sockets.TCP_NODELAY, 1);
            Sockets.setOption(fd, Sockets.SOL_SOCKET, Sockets.SO_KEEPALIVE, 1);
        } else { // TCP finds better sizes by itself.
            Sockets.setOption(fd, Sockets.SOL_SOCKET, Sockets.SO_SNDBUF, BUFFER_BYTES);
            Sockets.setOption(fd, Sockets.SOL_SOCKET, Sockets.SO_RCVBUF, BUFFER_BYTES);
        }
    }

    static NativeTransport connect(Endpoint.Unix unix) throws IOException {
        byte[] address = Sockets.unixAddress(unix.path().toString());
        return connect(Sockets.AF_UNIX, address, unix.toString());
    }

    static NativeTransport connect(InetSocketAddress to) throws IOException {
        byte[] bytes = to.getAddress().getAddress();
        int scope = to.getAddress() instanceof Inet6Address six ? six.getScopeId() : 0;
        byte[] address = Sockets.internetAddress(bytes, to.getPort(), scope);
        int family = bytes.length == 4 ? Sockets.AF_INET : Sockets.AF_INET6;
        return connect(family, address, to.toString());
    }

    private static NativeTransport connect(int family, byte[] address, String peer)
            throws IOException {
        int fd = checked(Sockets.socket(family));
        int result = Sockets.connect(fd, address);
        if (result < 0) {
            Posix.close(fd);
            throw failure(-result, peer);
        }
        return new NativeTransport(fd, peer, family != Sockets.AF_UNIX);
    }

    private static IOException failure(int errno, String peer) {
        return switch (errno) {
            case Errno.ECONNREFUSED -> new ConnectException(Errno.text(errno));
            case Errno.ENOENT -> new NoSuchFileException(peer, null, Errno.text(errno));
            default -> new IOException(Errno.text(errno));
        };
    }

    static int checked(int result) throws IOException {
        if (result < 0) {
            throw new IOException(Errno.text(-result));
        }
        return result;
    }

    @Override
    public int receive(MemorySegment target) throws IOException {
        long count;
        do {
            count = Sockets.receive(fd, target);
        } while (count == -Errno.EINTR);
        if (count < 0) {
            throw new IOException(Errno.text((int) -count));
        }
        return count == 0 ? END : (int) count;
    }

    @Override
    public int receiveSoon(MemorySegment target) throws IOException {
        long count = Sockets.receiveNow(fd, target);
        if (count < 0 && spin.begin()) {
            count = spin(target);
            spin.end(count >= 0);
        }
        return count < 0 ? receive(target) : count == 0 ? END : (int) count;
    }

    @Override
    public int receiveNow(MemorySegment target) {
        return (int) Math.max(0, Sockets.receiveNow(fd, target)); // receive() tells what failed.
    }

    private long spin(MemorySegment target) {
        long end = System.nanoTime() + Spin.nanos();
        long count;
        do {
            Thread.onSpinWait();
            count = Sockets.receiveNow(fd, target);
        } while (count < 0 && System.nanoTime() < end);
        return count;
    }

    @Override
    public int sendNow(MemorySegment source) {
        return (int) Math.max(0, Sockets.sendNow(fd, source));
    }

    @Override
    public void send(MemorySegment source) throws IOException {
        long size = source.byteSize();
        for (long done = 0; done < size; ) {
            long count = Sockets.send(fd, done == 0 ? source : source.asSlice(done));
            if (count >= 0) {
                done += count;
            } else if (count != -Errno.EINTR) {
                throw new IOException(Errno.text((int) -count));
            }
        }
    }

    @Override
    public void shutdown() {
        shutdown(Sockets.SHUT_RDWR);
    }

    @Override
    public void shutdownInput() {
        shutdown(Sockets.SHUT_RD);
    }

    private synchronized void shutdown(int how) {
        if (!closed) { // Else the number may be another file's by now.
            Sockets.shutdown(fd, how);
        }
    }

    @Override
    public String peer() {
        return peer;
    }

    @Override
    public synchronized void close() {
        if (!closed) {
            closed = true;
            Posix.close(fd);
        }
    }
}
