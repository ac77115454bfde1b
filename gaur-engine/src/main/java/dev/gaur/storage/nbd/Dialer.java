package dev.gaur.storage.nbd;

import dev.gaur.net.Net;
import dev.gaur.net.Transport;
import dev.gaur.sync.Waiting;
import java.io.IOException;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/** Connects to a server, and watches that the handshake does not take for ever. Immutable. */
record Dialer(NbdAddress address, ClientOptions options) {
    /** Connects and agrees on the export. */
    Session connect() throws IOException {
        return dial(
                shake -> {
                    Agreement agreed = shake.choose(address.export(), options.contexts());
                    return new Session(shake.transport(), shake.inlet(), agreed);
                },
                true);
    }

    /** Connects, asks what there is, and leaves. */
    List<ExportInfo> list() throws IOException {
        return dial(Handshake::list, false);
    }

    @FunctionalInterface
    private interface Talk<T> {
        T with(Handshake handshake) throws IOException;
    }

    private <T> T dial(Talk<T> talk, boolean keep) throws IOException {
        Transport plain = Net.connect(address.endpoint());
        Transport used = plain;
        boolean kept = false;
        try (Watch watch = new Watch(plain, options.handshakeLimit().toMillis())) {
            Handshake handshake = new Handshake(plain);
            try {
                handshake.greet(options.security());
                used = handshake.transport();
                T result = talk.with(handshake);
                kept = keep;
                return result;
            } catch (IOException failure) {
                throw watch.isLate() ? watch.failure() : failure;
            }
        } finally {
            if (!kept) {
                used.close();
            }
        }
    }

    /** Ends a connection that takes too long. */
    private static final class Watch implements AutoCloseable {
        private final CountDownLatch over = new CountDownLatch(1);
        private final long limit;
        private volatile boolean late;
        private final Thread thread;

        Watch(Transport transport, long limit) {
            this.limit = limit;
            this.thread =
                    Thread.ofPlatform()
                            .daemon()
                            .name("gaur-nbd-handshake")
                            .unstarted(() -> watch(transport));
            if (limit > 0) {
                thread.start();
            }
        }

        private void watch(Transport transport) {
            try {
                if (!over.await(limit, TimeUnit.MILLISECONDS)) {
                    late = true;
                    transport.shutdown();
                }
            } catch (InterruptedException _) {
                Thread.currentThread().interrupt();
            }
        }

        boolean isLate() {
            return late;
        }

        IOException failure() {
            return new IOException("the NBD server has not agreed within " + limit + " ms");
        }

        /** Waits for the thread: after this it does nothing to the connection. */
        @Override
        public void close() {
            over.countDown();
            Waiting.forEndOf(thread);
        }
    }
}
