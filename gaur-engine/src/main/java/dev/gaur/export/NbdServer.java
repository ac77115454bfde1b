package dev.gaur.export;

import dev.gaur.net.Endpoint;
import dev.gaur.net.Listener;
import dev.gaur.net.Net;
import dev.gaur.net.Transport;
import dev.gaur.sync.Waiting;
import java.io.IOException;
import java.nio.channels.ClosedChannelException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;

/**
 * An NBD server: offers {@link Export}s on any number of sockets. Safe for use by many threads.
 *
 * <pre>{@code
 * try (DiskImage disk = Gaur.open(path, OpenOptions.DEFAULT.withWritable(true));
 *         NbdServer server = new NbdServer(ServerOptions.DEFAULT)) {
 *     server.add(Export.of("disk", disk.io()).withWritable(true));
 *     server.listen(new Endpoint.Unix(Path.of("disk.sock")));
 *     ...
 * }
 * }</pre>
 *
 * <p>What a client has written and flushed is durable when the flush was answered; a client may use
 * several connections, and a flush on one of them covers all. The server itself flushes when it is
 * closed, and when an export is removed.
 */
public final class NbdServer implements AutoCloseable {
    /** How long to wait when the system has no descriptor or memory for another client. */
    private static final long RETRY_MILLIS = 100;

    private final ServerOptions options;
    private final Exports exports = new Exports();
    private final Buffers.Server buffers;
    private final Workers workers;
    private final Watchdog watchdog = new Watchdog();
    private final Semaphore slots;
    private final Set<Connection> connections = new HashSet<>(); // guarded by this
    private final List<Listener> listeners = new ArrayList<>(); // guarded by this
    private volatile boolean closed; // changed under the monitor

    /** Makes a server that offers nothing and listens nowhere yet. */
    public NbdServer(ServerOptions options) {
        this(options, new Buffers.Server(), new Workers());
    }

    /** The same with memory and threads of other kinds. */
    NbdServer(ServerOptions options, Buffers.Server buffers, Workers workers) {
        this.options = options;
        this.buffers = buffers;
        this.workers = workers;
        this.slots = new Semaphore(options.connectionsMax());
    }

    ServerOptions options() {
        return options;
    }

    Exports exportTable() {
        return exports;
    }

    Buffers.Server buffers() {
        return buffers;
    }

    Workers workers() {
        return workers;
    }

    Watchdog.Watch watchHandshake(Connection connection) {
        return watchdog.watch(options.handshakeLimit(), connection::giveUp);
    }

    // ---- exports

    /**
     * Offers an export to clients that come from now on.
     *
     * @throws IllegalArgumentException if there is one of that name
     */
    public void add(Export export) {
        if (!exports.add(export)) {
            throw new IllegalArgumentException("there is an export '" + export.name() + "'");
        }
    }

    /** Returns all exports, by name. */
    public List<Export> exports() {
        return exports.all();
    }

    /**
     * Takes an export back. Its clients' requests are answered as far as they have arrived, their
     * connections closed, and the disk flushed if it is writable; on return nobody uses it.
     *
     * @return whether there was one
     * @throws dev.gaur.block.BlockException if the flush fails; the export is gone nevertheless
     */
    public boolean remove(String name) {
        Export export = exports.remove(name);
        if (export == null) {
            return false;
        }
        end(connection -> connection.export() == export);
        flush(export);
        return true;
    }

    boolean isStillThere(Export export) {
        return !closed && exports.all().contains(export);
    }

    private static void flush(Export export) {
        if (export.writable()) {
            export.disk().flush();
        }
    }

    /** Returns how many clients are connected. */
    public synchronized int connections() {
        return connections.size();
    }

    // ---- listening

    /**
     * Listens, until the server is closed.
     *
     * @return where, with the port that the system has chosen
     * @throws IOException if the place cannot be had
     */
    public Endpoint listen(Endpoint endpoint) throws IOException {
        Listener listener = Net.listen(endpoint);
        synchronized (this) {
            if (closed) {
                listener.close();
                throw new ClosedChannelException();
            }
            listeners.add(listener);
        }
        Thread.ofPlatform()
                .daemon()
                .name("gaur-nbd-" + listener.endpoint())
                .start(() -> acceptAll(listener));
        return listener.endpoint();
    }

    private void acceptAll(Listener listener) {
        while (!closed) {
            try {
                admit(listener.accept());
            } catch (ClosedChannelException _) {
                return;
            } catch (IOException failure) {
                options.events()
                        .failed(listener.endpoint().toString(), "accept: " + failure.getMessage());
                pause();
            }
        }
    }

    /** Waits until there is a place; not before somebody came, who may come by another socket. */
    private void admit(Transport transport) {
        slots.acquireUninterruptibly();
        if (!start(transport)) {
            slots.release();
        }
    }

    /** Lets others end; nobody ever releases the lock's condition but closing. */
    private synchronized void pause() {
        try {
            if (!closed) {
                wait(RETRY_MILLIS);
            }
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
        }
    }

    private boolean start(Transport transport) {
        Connection connection = new Connection(this, transport);
        synchronized (this) {
            if (closed) {
                transport.close();
                return false;
            }
            connections.add(connection);
        }
        try {
            Thread.ofPlatform().daemon().name("gaur-client-" + transport.peer()).start(connection);
            return true;
        } catch (OutOfMemoryError noThread) {
            synchronized (this) {
                connections.remove(connection);
            }
            transport.close();
            options.events().failed(transport.peer(), "no thread: " + noThread.getMessage());
            return false;
        }
    }

    void ended(Connection connection) {
        synchronized (this) {
            connections.remove(connection);
            notifyAll();
        }
        slots.release();
    }

    // ---- end

    /** Drains connections and waits until they are gone; those that do not go are broken off. */
    private void end(Predicate<Connection> which) {
        long end = System.nanoTime() + options.drainLimit().toNanos();
        synchronized (this) {
            matching(which).forEach(Connection::drain);
            awaitGone(which, end);
            matching(which).forEach(Connection::breakOff);
            awaitGone(which, Long.MAX_VALUE);
        }
    }

    private List<Connection> matching(Predicate<Connection> which) {
        return connections.stream().filter(which).toList();
    }

    private synchronized void awaitGone(Predicate<Connection> which, long end) {
        boolean interrupted = false;
        while (!matching(which).isEmpty()) {
            long left = end == Long.MAX_VALUE ? 0 : end - System.nanoTime();
            if (end != Long.MAX_VALUE && left <= 0) {
                break;
            }
            long millis = TimeUnit.NANOSECONDS.toMillis(left) + (left > 0 ? 1 : 0);
            interrupted |= Waiting.on(this, millis);
        }
        Waiting.keep(interrupted);
    }

    /**
     * Ends the server: nobody is let in any more, requests that have arrived are answered,
     * connections closed and writable disks flushed. Waits for all that. The disks stay open.
     * Closing twice does nothing.
     *
     * @throws dev.gaur.block.BlockException if a flush fails, after the others were tried
     */
    @Override
    public void close() {
        List<Listener> open;
        synchronized (this) {
            if (closed) {
                return;
            }
            closed = true;
            open = List.copyOf(listeners);
            notifyAll();
        }
        open.forEach(Listener::close);
        end(_ -> true);
        workers.close();
        watchdog.close();
        RuntimeException failed = null;
        for (Export export : exports.all()) {
            try {
                flush(export);
            } catch (RuntimeException failure) {
                failed = failed == null ? failure : failed;
            }
        }
        if (failed != null) {
            throw failed;
        }
    }
}
