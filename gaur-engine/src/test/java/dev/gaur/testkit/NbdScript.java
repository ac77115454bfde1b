package dev.gaur.testkit;

import dev.gaur.nbd.Nbd;
import dev.gaur.net.Endpoint;
import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetSocketAddress;
import java.net.StandardSocketOptions;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLSocket;

/**
 * An NBD client that sends whatever a test tells it to, right or wrong, and shows what comes back
 * byte for byte. Shares no code with Gaur but the protocol's numbers. One thread may send while
 * another receives.
 */
public final class NbdScript implements AutoCloseable {
    private final SocketChannel channel;
    private DataInputStream in;
    private OutputStream out;
    private boolean extended;

    /** A reply to an option. */
    public record OptionReply(int option, int type, byte[] data) {
        /** Tells whether it is the last one to its option. */
        public boolean isFinal() {
            return type == Nbd.REP_ACK || type < 0;
        }

        /** Returns the data as text. */
        public String text() {
            return new String(data, StandardCharsets.UTF_8);
        }
    }

    /**
     * A reply to a request, or a chunk of one.
     *
     * @param magic tells which of the three forms it has
     * @param flags 1 for the last chunk
     * @param type of a chunk; the error of a simple reply
     * @param offset of an extended reply
     * @param data of a chunk
     */
    public record Reply(int magic, int flags, int type, long cookie, long offset, byte[] data) {
        /** Returns the error; 0 if there is none. */
        public int error() {
            if (magic == Nbd.SIMPLE_REPLY_MAGIC) {
                return type;
            }
            return type == Nbd.REPLY_TYPE_ERROR ? ByteBuffer.wrap(data).getInt() : 0;
        }

        /** Returns the number at a place of the data. */
        public long u64(int at) {
            return ByteBuffer.wrap(data).getLong(at);
        }

        /** Returns the number at a place of the data. */
        public int u32(int at) {
            return ByteBuffer.wrap(data).getInt(at);
        }

        /** Tells whether no other comes for its request. */
        public boolean isFinal() {
            return magic == Nbd.SIMPLE_REPLY_MAGIC || (flags & Nbd.REPLY_FLAG_DONE) != 0;
        }
    }

    private NbdScript(SocketChannel channel) {
        this.channel = channel;
        this.in = new DataInputStream(new BufferedInputStream(Channels.newInputStream(channel)));
        this.out = Channels.newOutputStream(channel);
    }

    /** Connects and says nothing. */
    public static NbdScript connect(Endpoint to) throws IOException {
        return new NbdScript(
                switch (to) {
                    case Endpoint.Unix(var path) ->
                            SocketChannel.open(UnixDomainSocketAddress.of(path));
                    case Endpoint.Tcp(String host, int port) ->
                            SocketChannel.open(new InetSocketAddress(host, port));
                    case Endpoint.Inherited _ -> throw new IllegalArgumentException();
                });
    }

    /** Connects and exchanges greetings. */
    public static NbdScript greeted(Endpoint to) throws IOException {
        NbdScript script = connect(to);
        script.greet(Nbd.FLAG_FIXED_NEWSTYLE | Nbd.FLAG_NO_ZEROES);
        return script;
    }

    /** Connects and chooses an export, with simple replies. */
    public static NbdScript simple(Endpoint to, String export) throws IOException {
        NbdScript script = greeted(to);
        script.go(export);
        return script;
    }

    /** Connects and chooses an export, with structured or extended replies and a context. */
    public static NbdScript with(Endpoint to, String export, int replies, String... contexts)
            throws IOException {
        NbdScript script = greeted(to);
        script.expectAck(replies, new byte[0]);
        if (contexts.length > 0) {
            script.expectAck(Nbd.OPT_SET_META_CONTEXT, contexts(export, contexts));
        }
        script.go(export);
        script.extended = replies == Nbd.OPT_EXTENDED_HEADERS;
        return script;
    }

    // ---- bytes

    /** Returns bytes of a size that a test fills. */
    public static ByteBuffer bytes(int size) {
        return ByteBuffer.allocate(size);
    }

    /** Sends all at once: the server does not see the first ones without the others. */
    public NbdScript send(byte[]... parts) throws IOException {
        ByteArrayOutputStream all = new ByteArrayOutputStream();
        for (byte[] part : parts) {
            all.writeBytes(part);
        }
        out.write(all.toByteArray());
        return this;
    }

    /** Receives a number of bytes; fewer are an EOFException. */
    public byte[] receive(int count) throws IOException {
        byte[] bytes = new byte[count];
        in.readFully(bytes);
        return bytes;
    }

    /** Waits for the end of what the server sends, whatever it is; a reset is an end, too. */
    public void awaitEnd() {
        try {
            while (in.read() >= 0) {
                // What it says does not matter.
            }
        } catch (IOException _) {
            // Is over.
        }
    }

    /** Ends sending: the server sees the end of the stream. */
    public void endSending() throws IOException {
        channel.shutdownOutput();
    }

    /** Breaks off as a crash of the machine does; on TCP the server sees a reset. */
    public void reset() throws IOException {
        if (channel.supportedOptions().contains(StandardSocketOptions.SO_LINGER)) {
            channel.setOption(StandardSocketOptions.SO_LINGER, 0);
        }
        channel.close();
    }

    @Override
    public void close() throws IOException {
        channel.close();
    }

    /** Goes on with Java's own TLS; over TCP alone. */
    public void secure(SSLContext context) throws IOException {
        SSLSocket socket =
                (SSLSocket)
                        context.getSocketFactory()
                                .createSocket(channel.socket(), "localhost", -1, true);
        socket.startHandshake();
        in = new DataInputStream(new BufferedInputStream(socket.getInputStream()));
        out = socket.getOutputStream();
    }

    // ---- handshake

    /** Takes the server's greeting and sends flags. */
    public void greet(int flags) throws IOException {
        ByteBuffer greeting = ByteBuffer.wrap(receive(18));
        if (greeting.getLong() != Nbd.MAGIC || greeting.getLong() != Nbd.OPTION_MAGIC) {
            throw new IOException("no NBD server");
        }
        send(bytes(4).putInt(flags).array());
    }

    /** Returns the header of an option. */
    public static byte[] optionHeader(int option, int length) {
        return bytes(16).putLong(Nbd.OPTION_MAGIC).putInt(option).putInt(length).array();
    }

    /** Sends an option. */
    public NbdScript option(int option, byte[] data) throws IOException {
        return send(optionHeader(option, data.length), data);
    }

    /** Receives one reply to an option. */
    public OptionReply optionReply() throws IOException {
        long magic = in.readLong();
        if (magic != Nbd.REPLY_MAGIC) {
            throw new IOException("no reply to an option: " + Long.toHexString(magic));
        }
        int option = in.readInt();
        int type = in.readInt();
        int length = in.readInt();
        if (length < 0 || length > 1 << 20) {
            throw new IOException("a reply of " + length + " bytes");
        }
        return new OptionReply(option, type, receive(length));
    }

    /** Sends an option and receives all replies to it. */
    public List<OptionReply> ask(int option, byte[] data) throws IOException {
        option(option, data);
        return optionReplies();
    }

    /** Receives all replies to an option. */
    public List<OptionReply> optionReplies() throws IOException {
        List<OptionReply> replies = new ArrayList<>();
        do {
            replies.add(optionReply());
        } while (!replies.getLast().isFinal());
        return replies;
    }

    /** Sends an option that must be acknowledged. */
    public List<OptionReply> expectAck(int option, byte[] data) throws IOException {
        List<OptionReply> replies = ask(option, data);
        if (replies.getLast().type() != Nbd.REP_ACK) {
            throw new IOException("option " + option + " refused: " + replies.getLast().text());
        }
        return replies;
    }

    /** Returns the data of {@code OPT_INFO} and {@code OPT_GO}. */
    public static byte[] named(String export) {
        byte[] name = export.getBytes(StandardCharsets.UTF_8);
        return bytes(6 + name.length).putInt(name.length).put(name).array();
    }

    /** Returns the data of {@code OPT_SET_META_CONTEXT}. */
    public static byte[] contexts(String export, String... queries) {
        ByteBuffer all = bytes(1 << 16);
        put(all, export);
        all.putInt(queries.length);
        for (String query : queries) {
            put(all, query);
        }
        byte[] used = new byte[all.position()];
        all.flip().get(used);
        return used;
    }

    private static void put(ByteBuffer to, String text) {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        to.putInt(bytes.length).put(bytes);
    }

    /** Chooses an export; returns its size. */
    public long go(String export) throws IOException {
        for (OptionReply reply : expectAck(Nbd.OPT_GO, named(export))) {
            ByteBuffer data = ByteBuffer.wrap(reply.data());
            if (reply.type() == Nbd.REP_INFO && data.getShort() == Nbd.INFO_EXPORT) {
                return data.getLong();
            }
        }
        throw new IOException("the size is missing");
    }

    /** From now on requests have extended headers. */
    public void useExtended() {
        extended = true;
    }

    // ---- transmission

    /** Returns a request's header in the form that was agreed on. */
    public byte[] header(int flags, int type, long cookie, long offset, long length) {
        ByteBuffer all = bytes(extended ? 32 : 28);
        all.putInt(extended ? Nbd.EXTENDED_REQUEST_MAGIC : Nbd.REQUEST_MAGIC);
        all.putShort((short) flags).putShort((short) type).putLong(cookie).putLong(offset);
        return (extended ? all.putLong(length) : all.putInt((int) length)).array();
    }

    /** Sends a request. */
    public NbdScript request(
            int flags, int type, long cookie, long offset, long length, byte[]... payload)
            throws IOException {
        send(header(flags, type, cookie, offset, length));
        return send(payload);
    }

    /** Sends a write. */
    public NbdScript write(long cookie, long offset, byte[] data) throws IOException {
        int flags = extended ? Nbd.CMD_FLAG_PAYLOAD_LEN : 0;
        return request(flags, Nbd.CMD_WRITE, cookie, offset, data.length, data);
    }

    /** Receives a reply or one chunk; data of simple replies to reads is not taken. */
    public Reply reply() throws IOException {
        int magic = in.readInt();
        switch (magic) {
            case Nbd.SIMPLE_REPLY_MAGIC -> {
                int error = in.readInt();
                return new Reply(magic, 0, error, in.readLong(), 0, new byte[0]);
            }
            case Nbd.STRUCTURED_REPLY_MAGIC, Nbd.EXTENDED_REPLY_MAGIC -> {
                boolean wide = magic == Nbd.EXTENDED_REPLY_MAGIC;
                int flags = in.readUnsignedShort();
                int type = in.readUnsignedShort();
                long cookie = in.readLong();
                long offset = wide ? in.readLong() : 0;
                long length = wide ? in.readLong() : in.readInt();
                if (length < 0 || length > 64 << 20) {
                    throw new IOException("a chunk of " + length + " bytes");
                }
                return new Reply(magic, flags, type, cookie, offset, receive((int) length));
            }
            default -> throw new IOException("no reply: " + Integer.toHexString(magic));
        }
    }

    /** Sends a request without a payload and receives all chunks of its reply. */
    public List<Reply> call(int flags, int type, long offset, long length) throws IOException {
        request(flags, type, 7, offset, length);
        List<Reply> replies = new ArrayList<>();
        do {
            replies.add(reply());
        } while (!replies.getLast().isFinal());
        return replies;
    }

    /** Reads with simple replies. */
    public byte[] readSimple(long offset, int length) throws IOException {
        request(0, Nbd.CMD_READ, 3, offset, length);
        Reply reply = reply();
        if (reply.error() != 0 || reply.cookie() != 3) {
            throw new IOException("read failed: " + reply);
        }
        return receive(length);
    }
}
