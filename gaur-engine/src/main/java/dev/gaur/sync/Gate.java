package dev.gaur.sync;

import java.util.concurrent.atomic.AtomicLongArray;

/**
 * Counts who is inside, so that closing can wait for them. Entering and leaving cost two atomic
 * additions, spread over several counters: threads seldom meet on one cache line. Safe for use by
 * many threads.
 *
 * <pre>{@code
 * int ticket = gate.enter();
 * if (ticket == Gate.CLOSED) {
 *     throw closed();
 * }
 * try {
 *     ...
 * } finally {
 *     gate.leave(ticket);
 * }
 * }</pre>
 */
public final class Gate {
    /** The ticket of whoever came too late. */
    public static final int CLOSED = -1;

    private static final int COUNTERS = 16;

    /** Longs between two counters: two cache lines, since processors fetch lines in pairs. */
    private static final int STRIDE = 16;

    private final AtomicLongArray inside = new AtomicLongArray(COUNTERS * STRIDE);
    private volatile boolean closed;

    /**
     * Enters unless the gate is closed; never blocks.
     *
     * @return a ticket for {@link #leave}, or {@link #CLOSED}
     */
    public int enter() {
        int ticket = (int) (Thread.currentThread().threadId() % COUNTERS) * STRIDE;
        inside.getAndIncrement(ticket);
        if (closed) { // Read after counting: either we see this, or close() sees our count.
            leave(ticket);
            return CLOSED;
        }
        return ticket;
    }

    /** Leaves; to be called once for each ticket. */
    public void leave(int ticket) {
        inside.getAndDecrement(ticket);
        if (closed) {
            synchronized (this) {
                notifyAll();
            }
        }
    }

    /**
     * Lets nobody in any more and waits until all have left. An interrupt is kept for later: what
     * waits to be released must be released.
     *
     * @return false if the gate was closed before; then nothing is waited for
     */
    public synchronized boolean close() {
        if (closed) {
            return false;
        }
        closed = true;
        boolean interrupted = false;
        while (isSomebodyInside()) {
            interrupted |= Waiting.on(this);
        }
        Waiting.keep(interrupted);
        return true;
    }

    private boolean isSomebodyInside() {
        for (int counter = 0; counter < COUNTERS; counter++) {
            if (inside.get(counter * STRIDE) != 0) {
                return true;
            }
        }
        return false;
    }
}
