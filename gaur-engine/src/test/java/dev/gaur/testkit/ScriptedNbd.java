package dev.gaur.testkit;

import dev.gaur.nbd.Nbd;
import dev.gaur.net.Endpoint;
import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.Channels;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;

/**
 * An NBD server that does what a test wants, right or wrong. Each connection is one call of the
 * script, which ends it by returning.
 */
public final class ScriptedNbd implements AutoCloseable {
    /** The number of the only context that {@link Peer#agree} agrees on. */
    public static final int CONTEXT = 7;

    /** What a server does with one connection. */
    @FunctionalInterface
    public interface Script {
        /** Talks with a client; failures of the connection are expected. */
        void talk(Peer peer) throws IOException;
    }

    /**
     * A request that came.
     *
     * @param data what came with it
     */
    public record Request(
            int type, int flags, long cookie, long offset, long length, byte[] data) {}

    private final Path path;
    private final ServerSocketChannel listener;
    private final Script script;
    private final List<Thread> threads = new CopyOnWriteArrayList<>();
    private final List<SocketChannel> open = new CopyOnWriteArrayList<>();
    private final List<Throwable> bugs = new CopyOnWriteArrayList<>();

    private ScriptedNbd(Path path, ServerSocketChannel listener, Script script) {
        this.path = path;
        this.listener = listener;
        this.script = script;
    }

    /** Starts a server on a Unix socket, which must not be there yet. */
    public static ScriptedNbd start(Path socket, Script script) throws IOException {
        ServerSocketChannel listener = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
        listener.bind(UnixDomainSocketAddress.of(socket));
        ScriptedNbd server = new ScriptedNbd(socket, listener, script);
        server.threads.add(Thread.ofPlatform().daemon().start(server::acceptAll));
        return server;
    }

    /** Returns where it listens. */
    public Endpoint endpoint() {
        return new Endpoint.Unix(path);
    }

    private void acceptAll() {
        try {
            while (true) {
                SocketChannel channel = listener.accept();
                open.add(channel);
                threads.add(Thread.ofPlatform().daemon().start(() -> serve(channel)));
            }
        } catch (IOException _) {
            // Closed.
        }
    }

    private void serve(SocketChannel channel) {
        try (channel) {
            script.talk(new Peer(channel));
        } catch (IOException _) {
            // The client left, which is its right.
        } catch (RuntimeException | Error bug) {
            bugs.add(bug);
        }
    }

    /** Ends the server and all connections; fails if a script did. */
    @Override
    public void close() throws IOException {
        listener.close();
        for (SocketChannel each : open) {
            each.close();
        }
        Files.deleteIfExists(path);
        boolean interrupted = false;
        for (Thread thread : threads) {
            try {
                thread.join();
            } catch (InterruptedException _) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
        if (!bugs.isEmpty()) {
            throw new AssertionError("the script failed", bugs.getFirst());
        }
    }

    /** Counts what is sent, and ends the connection before a certain byte. */
    private static final class Cut extends OutputStream {
        private final SocketChannel channel;
        private final OutputStream out;
        private long left = Long.MAX_VALUE;

        Cut(SocketChannel channel) {
            this.channel = channel;
            this.out = Channels.newOutputStream(channel);
        }

        @Override
        public void write(int b) throws IOException {
            write(new byte[] {(byte) b}, 0, 1);
        }

        @Override
        public void write(byte[] bytes, int offset, int count) throws IOException {
            int allowed = (int) Math.min(left, count);
            out.write(bytes, offset, allowed);
            left -= allowed;
            if (allowed < count) {
                channel.close();
                throw new IOException("cut");
            }
        }
    }

    /** The other side of a connection. All numbers are big-endian. */
    public static final class Peer {
        private final Cut cut;
        private final DataInputStream in;
        private final DataOutputStream out;
        private boolean extended;

        private Peer(SocketChannel channel) {
            this.cut = new Cut(channel);
            this.in =
                    new DataInputStream(new BufferedInputStream(Channels.newInputStream(channel)));
            this.out = new DataOutputStream(cut);
        }

        /** Returns what the client sends. */
        public DataInputStream in() {
            return in;
        }

        /** Returns where to send to the client; each call is sent at once. */
        public DataOutputStream out() {
            return out;
        }

        /** Ends the connection after so many more bytes. */
        public void cutAfter(long bytes) {
            cut.left = bytes;
        }

        /** Waits until the client has left. */
        public void awaitEnd() throws IOException {
            in.transferTo(OutputStream.nullOutputStream());
        }

        /** Sends the greeting of a sound server and takes the client's answer. */
        public void greet() throws IOException {
            send(
                    b -> {
                        b.writeLong(Nbd.MAGIC);
                        b.writeLong(Nbd.OPTION_MAGIC);
                        b.writeShort(Nbd.FLAG_FIXED_NEWSTYLE | Nbd.FLAG_NO_ZEROES);
                    });
            in.readInt();
        }

        /** Parts of a message, put together before they are sent. */
        @FunctionalInterface
        public interface Message {
            /** Writes the message. */
            void to(DataOutputStream bytes) throws IOException;
        }

        /** Sends a message in one piece. */
        public void send(Message message) throws IOException {
            ByteArrayOutputStream bytes = new ByteArrayOutputStream();
            message.to(new DataOutputStream(bytes));
            out.write(bytes.toByteArray());
        }

        /** Sends an answer to an option. */
        public void answer(int option, int type, Message data) throws IOException {
            ByteArrayOutputStream bytes = new ByteArrayOutputStream();
            data.to(new DataOutputStream(bytes));
            send(
                    b -> {
                        b.writeLong(Nbd.REPLY_MAGIC);
                        b.writeInt(option);
                        b.writeInt(type);
                        b.writeInt(bytes.size());
                        b.write(bytes.toByteArray());
                    });
        }

        /** Takes an option whose data nobody needs; returns its number. */
        public int option() throws IOException {
            in.readLong();
            int option = in.readInt();
            in.readFully(new byte[in.readInt()]);
            return option;
        }

        /**
         * Greets, and agrees on what the client wants, with block status and blocks of any size.
         *
         * @param size of the export
         * @param flags of the export
         * @param longest the newest form of answers that the server has: 0, 1 or 2
         */
        public void agree(long size, int flags, int longest) throws IOException {
            greet();
            while (true) {
                int option = option();
                switch (option) {
                    case Nbd.OPT_EXTENDED_HEADERS -> {
                        extended = longest > 1;
                        answer(option, longest > 1 ? Nbd.REP_ACK : Nbd.REP_ERR_UNSUP, b -> {});
                    }
                    case Nbd.OPT_STRUCTURED_REPLY ->
                            answer(option, longest > 0 ? Nbd.REP_ACK : Nbd.REP_ERR_UNSUP, b -> {});
                    case Nbd.OPT_SET_META_CONTEXT -> {
                        answer(
                                option,
                                Nbd.REP_META_CONTEXT,
                                b -> {
                                    b.writeInt(CONTEXT);
                                    b.write(Nbd.BASE_ALLOCATION.getBytes(StandardCharsets.UTF_8));
                                });
                        answer(option, Nbd.REP_ACK, b -> {});
                    }
                    case Nbd.OPT_GO -> {
                        answer(option, Nbd.REP_INFO, b -> blocks(b, 1, 4096, Nbd.PAYLOAD_MAX));
                        answer(option, Nbd.REP_INFO, b -> export(b, size, flags));
                        answer(option, Nbd.REP_ACK, b -> {});
                        return;
                    }
                    default -> answer(option, Nbd.REP_ERR_UNSUP, b -> {});
                }
            }
        }

        /** Writes what tells the sizes of blocks. */
        public static void blocks(DataOutputStream b, int least, int preferred, int most)
                throws IOException {
            b.writeShort(Nbd.INFO_BLOCK_SIZE);
            b.writeInt(least);
            b.writeInt(preferred);
            b.writeInt(most);
        }

        /** Writes what tells size and flags. */
        public static void export(DataOutputStream b, long size, int flags) throws IOException {
            b.writeShort(Nbd.INFO_EXPORT);
            b.writeLong(size);
            b.writeShort(Nbd.HAS_FLAGS | flags);
        }

        /** Takes the next request. */
        public Request request() throws IOException {
            in.readInt();
            int flags = in.readUnsignedShort();
            int type = in.readUnsignedShort();
            long cookie = in.readLong();
            long offset = in.readLong();
            long length = extended ? in.readLong() : Integer.toUnsignedLong(in.readInt());
            byte[] data = new byte[type == Nbd.CMD_WRITE ? (int) length : 0];
            in.readFully(data);
            return new Request(type, flags, cookie, offset, length, data);
        }

        /** Sends a simple answer. */
        public void simple(Request request, int error, byte[] data) throws IOException {
            send(
                    b -> {
                        b.writeInt(Nbd.SIMPLE_REPLY_MAGIC);
                        b.writeInt(error);
                        b.writeLong(request.cookie());
                        b.write(data);
                    });
        }

        /** Sends a chunk, the last if {@code done}. */
        public void chunk(Request request, int type, boolean done, Message data)
                throws IOException {
            ByteArrayOutputStream bytes = new ByteArrayOutputStream();
            data.to(new DataOutputStream(bytes));
            header(request, type, done, bytes.size());
            out.write(bytes.toByteArray());
        }

        /** Sends the header of a chunk, whatever length it claims. */
        public void header(Request request, int type, boolean done, long length)
                throws IOException {
            send(
                    b -> {
                        b.writeInt(
                                extended ? Nbd.EXTENDED_REPLY_MAGIC : Nbd.STRUCTURED_REPLY_MAGIC);
                        b.writeShort(done ? Nbd.REPLY_FLAG_DONE : 0);
                        b.writeShort(type);
                        b.writeLong(request.cookie());
                        if (extended) {
                            b.writeLong(request.offset());
                            b.writeLong(length);
                        } else {
                            b.writeInt((int) length);
                        }
                    });
        }
    }
}
