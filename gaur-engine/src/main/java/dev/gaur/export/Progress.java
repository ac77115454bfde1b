package dev.gaur.export;

import java.util.concurrent.atomic.AtomicLong;

/**
 * Whether a connection's client moves. One thread at a time sends to it, one receives; anybody may
 * look.
 */
final class Progress {
    /** As much as is sent at once: a client that takes less than that for long is stuck. */
    static final long STEP = 256 << 10;

    /** What {@link #mark} returns if nobody waits for the client. */
    static final long NOT_WAITING = -1;

    /** Odd while somebody waits until the client has taken something. */
    private final AtomicLong sent = new AtomicLong();

    /** Odd while somebody waits for something to be held in memory. */
    private final AtomicLong received = new AtomicLong();

    void beginSending() {
        step(sent, 1);
    }

    void hasTaken() {
        step(sent, 2);
    }

    void endSending() {
        step(sent, 1);
    }

    void beginReceiving() {
        step(received, 1);
    }

    void hasSent() {
        step(received, 2);
    }

    void endReceiving() {
        step(received, 1);
    }

    /** Costs next to nothing: others need not see it at once. */
    private static void step(AtomicLong of, int by) {
        of.lazySet(of.getPlain() + by);
    }

    /** Returns another number whenever the client has moved meanwhile. */
    long mark() {
        long out = sent.get();
        long in = received.get();
        return ((out | in) & 1) == 0 ? NOT_WAITING : (out + in) & Long.MAX_VALUE;
    }
}
