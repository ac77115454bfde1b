package dev.gaur.cli;

import dev.gaur.export.Export;
import dev.gaur.export.NbdServer;
import dev.gaur.export.ServerEvents;
import dev.gaur.export.ServerOptions;
import dev.gaur.graph.BlockDevice;
import dev.gaur.net.Endpoint;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * A server and the images that it exports, from the first image to the last client. Safe for many
 * threads: a signal may close it at any time.
 */
final class Service implements AutoCloseable {
    /** How often caches are looked at; tables are kept for minutes. */
    private static final long TRIM_NANOS = TimeUnit.SECONDS.toNanos(10);

    private final NbdServer server;
    private final boolean once;
    private final ServerEvents events;
    private final List<BlockDevice> disks = new ArrayList<>(); // guarded by this
    private final List<Runnable> others = new ArrayList<>(); // guarded by this
    private final List<Endpoint> endpoints = new ArrayList<>(); // guarded by this
    private final CountDownLatch ended = new CountDownLatch(1);
    private volatile boolean used;
    private boolean closed; // guarded by this

    /**
     * Makes a server without exports.
     *
     * @param options how it treats clients
     * @param once whether it ends when the last client has gone
     */
    Service(ServerOptions options, boolean once) {
        this.events = options.events();
        this.once = once;
        this.server = new NbdServer(options.withEvents(new Watch()));
    }

    /** Passes on what happens, and sees when the last client goes. */
    private final class Watch implements ServerEvents {
        @Override
        public void opened(Export export, String peer) {
            used = true;
            events.opened(export, peer);
        }

        @Override
        public void closed(Export export, String peer) {
            events.closed(export, peer);
        }

        @Override
        public void failed(String peer, String reason) {
            events.failed(peer, reason);
        }

        @Override
        public void ended(String peer) {
            events.ended(peer);
            if (once && used && server.connections() == 0) {
                ended.countDown();
            }
        }
    }

    /** Takes an image; it is closed with the service. */
    synchronized void own(BlockDevice disk) {
        if (closed) { // By a signal, meanwhile.
            disk.close();
            throw new CommandException("", 0);
        }
        disks.add(disk);
    }

    /** Has something else closed with the service, before all else. */
    synchronized void alsoClose(Runnable work) {
        others.add(work);
    }

    /** Offers one of the images. */
    void add(Export export) {
        server.add(export);
    }

    /** Listens. */
    void listen(Endpoint endpoint) throws IOException {
        Endpoint bound = server.listen(endpoint);
        synchronized (this) {
            endpoints.add(bound);
        }
    }

    /** Returns where it listens. */
    synchronized List<Endpoint> endpoints() {
        return List.copyOf(endpoints);
    }

    /** Returns what it exports, by name. */
    List<Export> exports() {
        return server.exports();
    }

    /** Returns how many clients are connected. */
    int connections() {
        return server.connections();
    }

    /** Returns the images. */
    synchronized List<BlockDevice> disks() {
        return List.copyOf(disks);
    }

    /**
     * Waits for the last client to go, if that is the end. Has idle images give up memory
     * meanwhile.
     *
     * @param most how long at most; zero for as long as it takes
     * @return whether that was the end
     */
    boolean awaitEnd(Duration most) {
        long left = most.isZero() ? Long.MAX_VALUE : most.toNanos();
        try {
            while (left > 0) {
                long now = Math.min(left, TRIM_NANOS);
                if (ended.await(now, TimeUnit.NANOSECONDS)) {
                    return true;
                }
                left -= now;
                disks().forEach(BlockDevice::trimCaches);
            }
            return false;
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
            return true;
        }
    }

    /**
     * Answers what has come, flushes, and closes sockets and images. Who calls it while somebody
     * else does waits for that.
     *
     * @throws dev.gaur.block.BlockException if something could not be written; all is closed
     *     nevertheless
     */
    @Override
    public synchronized void close() {
        if (closed) {
            return;
        }
        closed = true;
        RuntimeException failed = null;
        for (Runnable work : others) {
            failed = attempt(work, failed);
        }
        failed = attempt(server::close, failed);
        for (BlockDevice disk : disks) {
            failed = attempt(disk::close, failed);
        }
        if (failed != null) {
            throw failed;
        }
    }

    private static @Nullable RuntimeException attempt(
            Runnable work, @Nullable RuntimeException before) {
        try {
            work.run();
            return before;
        } catch (RuntimeException failure) {
            return before == null ? failure : before;
        }
    }
}
