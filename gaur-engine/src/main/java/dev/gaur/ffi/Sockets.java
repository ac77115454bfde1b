package dev.gaur.ffi;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;

/**
 * Linux's system calls on stream sockets, as the C library has them. What {@link Posix} says of its
 * own holds for these: the call's result or {@code -errno}, native buffers, and a call blocks as
 * the kernel's does.
 */
public final class Sockets {
    public static final int AF_UNIX = 1;
    public static final int AF_INET = 2;
    public static final int AF_INET6 = 10;

    public static final int SOL_SOCKET = 1;
    public static final int SO_REUSEADDR = 2;
    public static final int SO_SNDBUF = 7;
    public static final int SO_RCVBUF = 8;
    public static final int SO_KEEPALIVE = 9;
    public static final int IPPROTO_TCP = 6;
    public static final int TCP_NODELAY = 1;
    public static final int IPPROTO_IPV6 = 41;
    public static final int IPV6_V6ONLY = 26;

    public static final int SHUT_RD = 0;
    public static final int SHUT_RDWR = 2;

    private static final int MSG_DONTWAIT = 0x40;
    private static final int MSG_NOSIGNAL = 0x4000;

    private static final int SOCK_STREAM = 1;
    private static final int SOCK_CLOEXEC = 02000000;
    private static final int FAMILY_BYTES = 2;

    /** With the zero at its end. */
    private static final int UNIX_PATH_BYTES = 108;

    private static final int IN6_BYTES = 28;
    private static final int IN_BYTES = 16;
    private static final int NAME_BYTES = 128;

    private Sockets() {}

    // ---- addresses

    /**
     * Returns a {@code struct sockaddr_un}.
     *
     * @throws IllegalArgumentException if the path is too long for one
     */
    public static byte[] unixAddress(String path) {
        byte[] name = path.getBytes(StandardCharsets.UTF_8);
        if (name.length >= UNIX_PATH_BYTES) {
            throw new IllegalArgumentException(
                    "UNIX socket path '" + path + "' is too long: at most 107 bytes");
        }
        return ByteBuffer.allocate(FAMILY_BYTES + name.length + 1)
                .order(ByteOrder.nativeOrder())
                .putShort((short) AF_UNIX)
                .put(name)
                .array();
    }

    /**
     * Returns a {@code struct sockaddr_in} or {@code sockaddr_in6}.
     *
     * @param address 4 or 16 bytes
     * @param scope of an IPv6 address of one link; 0 for none
     */
    public static byte[] internetAddress(byte[] address, int port, int scope) {
        boolean six = address.length != 4;
        ByteBuffer all =
                ByteBuffer.allocate(six ? IN6_BYTES : IN_BYTES).order(ByteOrder.nativeOrder());
        all.putShort((short) (six ? AF_INET6 : AF_INET));
        all.put((byte) (port >> 8)).put((byte) port);
        if (six) {
            all.putInt(0);
        }
        all.put(address);
        if (six) {
            all.putInt(scope);
        }
        return all.array();
    }

    private static MemorySegment copy(Arena arena, byte[] bytes) {
        MemorySegment copy = arena.allocate(bytes.length, Long.BYTES);
        copy.asByteBuffer().put(bytes);
        return copy;
    }

    // ---- making and connecting

    private static final class Socket {
        static final MethodHandle HANDLE = Posix.link("socket");
        static final MethodHandle BIND = Posix.link("bind");
        static final MethodHandle LISTEN = Posix.link("listen");
        static final MethodHandle ACCEPT = Posix.link("accept4");
        static final MethodHandle CONNECT = Posix.link("connect");
        static final MethodHandle SETSOCKOPT = Posix.link("setsockopt");
        static final MethodHandle GETSOCKNAME = Posix.link("getsockname");
        static final MethodHandle SHUTDOWN = Posix.link("shutdown");
    }

    /**
     * Makes a stream socket, closed on exec.
     *
     * @see <a href="https://man7.org/linux/man-pages/man2/socket.2.html">socket(2)</a>
     */
    public static int socket(int family) {
        MemorySegment type = Posix.number(SOCK_STREAM | SOCK_CLOEXEC);
        return Posix.callInt("socket", Socket.HANDLE, family, type, 0, 0);
    }

    /**
     * @see <a href="https://man7.org/linux/man-pages/man2/bind.2.html">bind(2)</a>
     */
    public static int bind(int fd, byte[] address) {
        try (Arena arena = Arena.ofConfined()) {
            return Posix.callInt("bind", Socket.BIND, fd, copy(arena, address), address.length, 0);
        }
    }

    /**
     * @see <a href="https://man7.org/linux/man-pages/man2/listen.2.html">listen(2)</a>
     */
    public static int listen(int fd, int backlog) {
        return Posix.callInt("listen", Socket.LISTEN, fd, Posix.number(backlog), 0, 0);
    }

    /**
     * Waits for a connection; returns its socket, closed on exec.
     *
     * @see <a href="https://man7.org/linux/man-pages/man2/accept.2.html">accept4(2)</a>
     */
    public static int accept(int fd) {
        return Posix.callInt("accept4", Socket.ACCEPT, fd, MemorySegment.NULL, 0, SOCK_CLOEXEC);
    }

    /**
     * @see <a href="https://man7.org/linux/man-pages/man2/connect.2.html">connect(2)</a>
     */
    public static int connect(int fd, byte[] address) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment to = copy(arena, address);
            return Posix.callInt("connect", Socket.CONNECT, fd, to, address.length, 0);
        }
    }

    /**
     * Sets an option whose value is a number; does not tell why that failed.
     *
     * @see <a href="https://man7.org/linux/man-pages/man2/setsockopt.2.html">setsockopt(2)</a>
     */
    public static int setOption(int fd, int level, int name, int value) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment number = arena.allocate(Integer.BYTES, Integer.BYTES);
            Posix.structure(number).putInt(0, value);
            return (int)
                    (long)
                            Socket.SETSOCKOPT.invokeExact(
                                    fd,
                                    Posix.number(level),
                                    (long) name,
                                    number.address(),
                                    (long) Integer.BYTES);
        } catch (Throwable thrown) {
            throw NativeLibrary.rethrow(thrown);
        }
    }

    /**
     * Returns a socket's own address as the kernel's structure, empty if it cannot be told.
     *
     * @see <a href="https://man7.org/linux/man-pages/man2/getsockname.2.html">getsockname(2)</a>
     */
    public static byte[] name(int fd) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment name = arena.allocate(NAME_BYTES, Long.BYTES);
            MemorySegment length = arena.allocate(Integer.BYTES, Integer.BYTES);
            Posix.structure(length).putInt(0, NAME_BYTES);
            int result =
                    Posix.callInt("getsockname", Socket.GETSOCKNAME, fd, name, length.address(), 0);
            byte[] bytes = new byte[result < 0 ? 0 : Posix.structure(length).getInt(0)];
            name.asByteBuffer().get(bytes);
            return bytes;
        }
    }

    /**
     * Ends one or both directions: who waits in {@link #receive} or {@link #send} returns.
     *
     * @param how {@link #SHUT_RD} or {@link #SHUT_RDWR}
     * @see <a href="https://man7.org/linux/man-pages/man2/shutdown.2.html">shutdown(2)</a>
     */
    public static int shutdown(int fd, int how) {
        return Posix.callInt("shutdown", Socket.SHUTDOWN, fd, Posix.number(how), 0, 0);
    }

    // ---- data

    private static final class Data {
        static final MethodHandle RECV = Posix.link("recv");
        static final MethodHandle SEND = Posix.link("send");
    }

    /**
     * Waits for at least one byte.
     *
     * @return how many came; 0 at the end
     * @see <a href="https://man7.org/linux/man-pages/man2/recv.2.html">recv(2)</a>
     */
    public static long receive(int fd, MemorySegment target) {
        return Posix.call("recv", Data.RECV, fd, target, target.byteSize(), 0);
    }

    /**
     * Takes what is there. Does not tell why it failed: nearly always since nothing is there.
     *
     * @return how many bytes came; 0 at the end; -1 if none or if it failed
     */
    public static long receiveNow(int fd, MemorySegment target) {
        try {
            long flags = MSG_DONTWAIT;
            return (long) Data.RECV.invokeExact(fd, target, target.byteSize(), flags, 0L);
        } catch (Throwable thrown) {
            throw NativeLibrary.rethrow(thrown);
        }
    }

    /**
     * Sends what there is room for. Does not tell why it failed: nearly always since there is none.
     *
     * @return how many bytes were sent; -1 if none
     */
    public static long sendNow(int fd, MemorySegment source) {
        try {
            long flags = MSG_DONTWAIT | MSG_NOSIGNAL;
            return (long) Data.SEND.invokeExact(fd, source, source.byteSize(), flags, 0L);
        } catch (Throwable thrown) {
            throw NativeLibrary.rethrow(thrown);
        }
    }

    /**
     * Sends; a peer that is gone is an error, not a signal. Not made again to learn why it failed
     * unless nothing was sent.
     *
     * @return how many bytes were sent
     * @see <a href="https://man7.org/linux/man-pages/man2/send.2.html">send(2)</a>
     */
    public static long send(int fd, MemorySegment source) {
        return Posix.call("send", Data.SEND, fd, source, source.byteSize(), MSG_NOSIGNAL);
    }
}
