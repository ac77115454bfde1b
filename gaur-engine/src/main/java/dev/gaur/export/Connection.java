package dev.gaur.export;

import dev.gaur.net.Security;
import dev.gaur.net.Transport;
import java.io.IOException;
import java.lang.foreign.Arena;
import org.jspecify.annotations.Nullable;

/** One client, from its first byte to its last. Runs on a thread of its own. */
final class Connection implements Runnable {
    private final NbdServer server;
    private final Transport first;
    private volatile Transport transport;
    private volatile @Nullable Agreement agreement;
    private volatile boolean draining;
    private volatile @Nullable String givenUp;

    Connection(NbdServer server, Transport transport) {
        this.server = server;
        this.first = transport;
        this.transport = transport;
    }

    /** Returns what the client uses; null as long as it has not chosen. */
    @Nullable Export export() {
        Agreement agreed = agreement;
        return agreed == null ? null : agreed.export();
    }

    @Override
    public void run() {
        ServerEvents events = server.options().events();
        String peer = transport.peer();
        try (Arena arena = Arena.ofConfined()) {
            serve(arena, events);
        } catch (IOException | RuntimeException | OutOfMemoryError failure) {
            if (!draining) {
                String why = givenUp;
                events.failed(peer, why != null ? why : reason(failure));
            }
        } finally {
            transport.close();
            server.ended(this);
            events.ended(peer);
        }
    }

    private static String reason(Throwable failure) {
        String message = failure.getMessage();
        return message == null || !(failure instanceof IOException) ? failure.toString() : message;
    }

    private void serve(Arena arena, ServerEvents events) throws IOException {
        Progress progress = new Progress();
        Inlet inlet = new Inlet(transport, arena, progress);
        Outlet outlet = new Outlet(transport, arena, progress);
        Agreement agreed;
        try (Watchdog.Watch _ = server.watchHandshake(this)) {
            agreed =
                    new Handshake(
                                    server.exportTable(),
                                    server.options(),
                                    inlet,
                                    outlet,
                                    security -> secure(security, inlet, outlet))
                            .run();
        }
        if (agreed == null) {
            throwIfGivenUp();
            return;
        }
        agreement = agreed;
        if (!server.isStillThere(agreed.export())) {
            return; // Removed while the client was choosing it.
        }
        events.opened(agreed.export(), transport.peer());
        try {
            new Transmission(
                            agreed,
                            inlet,
                            outlet,
                            server.buffers().forConnection(progress, this::giveUpStuck),
                            server.workers())
                    .run();
            throwIfGivenUp();
        } finally {
            events.closed(agreed.export(), transport.peer());
        }
    }

    private void secure(Security security, Inlet inlet, Outlet outlet) throws IOException {
        inlet.replace(transport); // Refuses if anything was sent in the clear behind the option.
        Transport secured = security.secure(transport);
        transport = secured;
        inlet.replace(secured);
        outlet.replace(secured);
    }

    /** Takes no more requests; those that have come are answered. */
    void drain() {
        draining = true;
        if (agreement == null) {
            first.shutdown();
        } else {
            first.shutdownInput();
        }
    }

    /** Breaks off since the client takes too long to choose. */
    void giveUp() {
        long limit = server.options().handshakeLimit().toMillis();
        giveUp("has not chosen an export within " + limit + " ms");
    }

    /** Breaks off since others need the memory that it holds. */
    private void giveUpStuck() {
        giveUp("neither takes answers nor sends what it has announced, and others need the memory");
    }

    private void giveUp(String why) {
        givenUp = why;
        first.shutdown();
    }

    private void throwIfGivenUp() throws IOException {
        String why = givenUp;
        if (why != null) {
            throw new IOException(why);
        }
    }

    /** Breaks off. */
    void breakOff() {
        draining = true;
        first.shutdown();
    }
}
