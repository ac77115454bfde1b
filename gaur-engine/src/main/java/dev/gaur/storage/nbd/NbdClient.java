package dev.gaur.storage.nbd;

import dev.gaur.block.BlockException;
import dev.gaur.nbd.Nbd;
import dev.gaur.net.Endpoint;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.net.UnknownHostException;
import java.nio.file.NoSuchFileException;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/**
 * An export of an NBD server, as a client sees it: the protocol's requests, of any length. Safe for
 * use by many threads, whose requests are on the way at once; each blocks until it is answered.
 *
 * <pre>{@code
 * NbdAddress address = NbdAddress.parse("nbd://server/disk");
 * try (NbdClient disk = NbdClient.connect(address, ClientOptions.DEFAULT)) {
 *     MemorySegment sector = arena.allocate(512);
 *     disk.read(0, sector);
 *     disk.flush();
 * }
 * }</pre>
 *
 * <p>Offsets and lengths must be multiples of {@link ExportInfo#minimumBlock}, or the server
 * refuses them; {@link NbdDriver} makes storage that takes all. Every failure of a request is a
 * {@link BlockException.Media}, whose number is the server's, or EIO if the connection broke.
 *
 * <p>With {@link ClientOptions#reconnectDelay}, requests survive a broken connection. As with QEMU,
 * a server that lost what it had not flushed when it was started again is not noticed.
 */
public final class NbdClient implements AutoCloseable {
    private static final int EIO = 5;

    /** Requests without data: long, but few servers are busy with one for minutes. */
    private static final long STEP_MAX = 1L << 30;

    private final String name;
    private final ClientOptions options;
    private final Connections connections;
    private final ExportInfo export;
    private volatile boolean closed;

    private NbdClient(String name, ClientOptions options, Connections connections) {
        this.name = name;
        this.options = options;
        this.connections = connections;
        this.export = connections.export();
    }

    /**
     * Connects to a server and takes an export.
     *
     * @throws BlockException.Media if the server cannot be reached or has no such export
     * @throws BlockException.Unsupported if the address asks for TLS and the options have none
     */
    public static NbdClient connect(NbdAddress address, ClientOptions options) {
        requireSecurity(address, options);
        boolean interrupted = Thread.interrupted();
        try {
            Connections connections = new Connections(new Dialer(address, options));
            return new NbdClient(address.toString(), options, connections);
        } catch (IOException failure) {
            throw cannotConnect(address, failure);
        } finally {
            restore(interrupted);
        }
    }

    /**
     * Asks a server what it has.
     *
     * @param address of the server; its export is of no effect
     * @throws BlockException.Media if the server cannot be reached or does not tell
     */
    public static List<ExportInfo> list(NbdAddress address, ClientOptions options) {
        requireSecurity(address, options);
        boolean interrupted = Thread.interrupted();
        try {
            return new Dialer(address, options).list();
        } catch (IOException failure) {
            throw cannotConnect(address, failure);
        } finally {
            restore(interrupted);
        }
    }

    private static void restore(boolean interrupted) {
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    private static void requireSecurity(NbdAddress address, ClientOptions options) {
        if (address.tls() && options.security().isEmpty()) {
            throw new BlockException.Unsupported(address.toString(), "", "TLS needs credentials");
        }
    }

    private static BlockException.Media cannotConnect(NbdAddress address, IOException why) {
        String place =
                switch (address.endpoint()) {
                    case Endpoint.Unix unix -> unix.path().toString();
                    case Endpoint.Tcp tcp -> tcp.host() + ":" + tcp.port();
                    case Endpoint.Inherited it -> it.toString();
                };
        String text =
                switch (why) {
                    case Refusal refusal -> String.valueOf(refusal.getMessage());
                    case UnknownHostException _ ->
                            "address resolution failed for "
                                    + place
                                    + ": Name or service not known";
                    case NoSuchFileException _ ->
                            "Failed to connect to '" + place + "': No such file or directory";
                    default -> "Failed to connect to '" + place + "': " + why.getMessage();
                };
        return new BlockException.Media(
                address.toString(), "", BlockException.NO_OFFSET, text, EIO, why);
    }

    /** Returns the address, as messages have it. */
    public String name() {
        return name;
    }

    /** Returns what was agreed on. */
    public ExportInfo export() {
        return export;
    }

    // ---- requests

    /** Reads from {@code offset} on until {@code target} is full. */
    public void read(long offset, MemorySegment target) {
        long size = target.byteSize();
        for (long done = 0, count; done < size; done += count) {
            count = Math.min(size - done, export.maximumBlock());
            perform("read", Command.read(offset + done, target.asSlice(done, count)));
        }
    }

    /**
     * Writes all of {@code source}.
     *
     * @param flags {@link Nbd#CMD_FLAG_FUA} if it is to be durable on return, else 0
     */
    public void write(long offset, MemorySegment source, int flags) {
        long size = source.byteSize();
        for (long done = 0, count; done < size; done += count) {
            count = Math.min(size - done, export.maximumBlock());
            perform("write", Command.write(flags, offset + done, source.asSlice(done, count)));
        }
    }

    /**
     * Makes a range read as zeros.
     *
     * @param flags {@link Nbd#CMD_FLAG_FUA}, {@link Nbd#CMD_FLAG_NO_HOLE} and {@link
     *     Nbd#CMD_FLAG_FAST_ZERO}
     */
    public void zero(long offset, long length, int flags) {
        boolean extended = export.replies() == ExportInfo.ReplyMode.EXTENDED;
        long step = extended ? STEP_MAX : export.maximumBlock();
        inSteps("write zeros", Nbd.CMD_WRITE_ZEROES, flags, offset, length, step);
    }

    /** Says that a range is no longer needed; flags as of {@link #write}. */
    public void trim(long offset, long length, int flags) {
        inSteps("discard", Nbd.CMD_TRIM, flags, offset, length, STEP_MAX);
    }

    /** Asks the server to have a range in memory. */
    public void cache(long offset, long length) {
        inSteps("cache", Nbd.CMD_CACHE, 0, offset, length, export.maximumBlock());
    }

    /** Makes durable what was written before, on whatever connection. */
    public void flush() {
        perform("flush", Command.plain(Nbd.CMD_FLUSH, 0, 0, 0));
    }

    private void inSteps(String doing, int type, int flags, long offset, long length, long step) {
        for (long done = 0, count; done < length; done += count) {
            count = Math.min(length - done, step);
            perform(doing, Command.plain(type, flags, offset + done, count));
        }
    }

    /**
     * Asks about the beginning of a range; answers may end before it does.
     *
     * @param length at least 1
     * @param flags {@link Nbd#CMD_FLAG_REQ_ONE} for one part only, else 0
     */
    public void status(long offset, long length, int flags, StatusVisitor visitor) {
        long count = Math.min(length, STEP_MAX);
        Command command = Command.plain(Nbd.CMD_BLOCK_STATUS, flags, offset, count);
        perform("block status", command, visitor);
    }

    private void perform(String doing, Command command) {
        perform(doing, command, (context, offset, length, state) -> {});
    }

    private void perform(String doing, Command command, StatusVisitor visitor) {
        boolean interrupted = Thread.interrupted();
        try {
            performAgain(command, visitor);
        } catch (ServerError error) {
            throw failure(doing, command, error.errno(), error);
        } catch (IOException broken) {
            if (closed) {
                throw new BlockException.Denied(name, "", "is closed");
            }
            throw failure(doing, command, EIO, broken);
        } finally {
            restore(interrupted);
        }
    }

    private BlockException.Media failure(
            String doing, Command command, int errno, Exception cause) {
        String text = String.valueOf(cause.getMessage());
        return new BlockException.Media(name, doing, command.offset(), text, errno, cause);
    }

    /** Sends a request; once more if the connection breaks and there is time. */
    private void performAgain(Command command, StatusVisitor visitor)
            throws IOException, ServerError {
        long delay = Math.min(options.reconnectDelay().toNanos(), Long.MAX_VALUE / 4);
        long end = System.nanoTime() + delay;
        boolean counting = false;
        while (true) {
            Session session = connections.pick(end);
            try {
                report(session, command, session.perform(command), visitor);
                return;
            } catch (Violation violation) {
                throw violation; // Would do it again.
            } catch (IOException broken) {
                if (closed) {
                    throw broken;
                }
                if (!counting) {
                    counting = true;
                    end = System.nanoTime() + delay;
                }
                if (!Connections.isOurDoing(broken) && System.nanoTime() - end >= 0) {
                    throw broken;
                }
            }
        }
    }

    private static void report(
            Session session, Command command, Map<Integer, long[]> status, StatusVisitor visitor) {
        for (Map.Entry<Integer, long[]> each : status.entrySet()) {
            String context = Objects.requireNonNull(session.agreed().contexts().get(each.getKey()));
            long[] extents = each.getValue();
            long offset = command.offset();
            for (int i = 0; i < extents.length; i += 2) {
                visitor.visit(context, offset, extents[i], extents[i + 1]);
                offset += extents[i];
            }
        }
    }

    /**
     * Leaves the server. Requests that are on the way fail; nothing is flushed. Closing twice does
     * nothing.
     */
    @Override
    public void close() {
        closed = true;
        connections.close(new IOException("is closed"));
    }
}
