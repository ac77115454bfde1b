package dev.gaur.export;

import dev.gaur.sync.Waiting;

/**
 * Counts the requests of one connection that workers have, and bounds them. The connection's thread
 * begins them, any thread ends them.
 */
final class Flights {
    /** More than clients have in flight that know QEMU's 16. */
    private static final int REQUESTS_MAX = 128;

    /** Two of the largest requests. */
    private static final long BYTES_MAX = 64 << 20;

    private int requests; // guarded by this
    private long bytes; // guarded by this
    private volatile boolean none = true;

    /** Tells whether {@link #begin} would not wait. */
    synchronized boolean hasRoom(long size) {
        return requests == 0 || (requests < REQUESTS_MAX && bytes + size <= BYTES_MAX);
    }

    /** Waits until a request may be handed to a worker. */
    synchronized void begin(long size) {
        boolean interrupted = false;
        while (!hasRoom(size)) {
            interrupted |= Waiting.on(this);
        }
        Waiting.keep(interrupted);
        requests++;
        bytes += size;
        none = false;
    }

    synchronized void end(long size) {
        requests--;
        bytes -= size;
        none = requests == 0;
        notifyAll();
    }

    /** Tells whether there is none. */
    boolean isEmpty() {
        return none;
    }

    /** Waits until there is none: what workers use must not be released before its time. */
    synchronized void awaitNone() {
        boolean interrupted = false;
        while (requests > 0) {
            interrupted |= Waiting.on(this);
        }
        Waiting.keep(interrupted);
    }
}
