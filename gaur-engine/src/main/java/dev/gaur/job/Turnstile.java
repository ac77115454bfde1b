package dev.gaur.job;

import dev.gaur.sync.Waiting;
import java.util.concurrent.CancellationException;

/**
 * Lets workers pass one at a time, in the order of their tickets: 0, 1, 2 ... A worker that fails
 * never passes, so it closes the turnstile for all.
 */
final class Turnstile {
    private long next;
    private boolean closed;

    /** Waits for the ticket's turn, and runs the action before the next one's. */
    void pass(long ticket, Runnable action) {
        await(ticket);
        action.run();
        synchronized (this) {
            next++;
            notifyAll();
        }
    }

    private synchronized void await(long ticket) {
        boolean interrupted = false;
        while (next != ticket && !closed) {
            interrupted |= Waiting.on(this); // The others decide whether the job ends.
        }
        Waiting.keep(interrupted);
        if (closed) {
            throw new CancellationException("another worker failed");
        }
    }

    /** Lets nobody pass any more: who waits or comes gets a {@link CancellationException}. */
    synchronized void close() {
        closed = true;
        notifyAll();
    }
}
