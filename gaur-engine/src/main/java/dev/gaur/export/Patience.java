package dev.gaur.export;

/**
 * Whether writes shall be done by the connection's thread itself. As long as the system only takes
 * them into memory that is the fastest way; where it makes the thread wait (O_DIRECT, memory that
 * is full of what is not yet on the disk) workers do it, for a while. For one thread.
 */
final class Patience {
    /** A write longer than this by more than its copying was waiting. */
    private static final long WAITING_NANOS = 60_000;

    /** Slower than any memory copies. */
    private static final long BYTES_PER_NANO = 1;

    private static final int WAITS_MAX = 3;
    private static final int REST = 256;

    private int waits;
    private int rest;

    /** Tells whether to do the next one here. */
    boolean isThere() {
        if (rest > 0) {
            rest--;
            return false;
        }
        return true;
    }

    /** Learns how long one took. */
    void learn(long nanos, long bytes) {
        if (nanos < WAITING_NANOS + bytes / BYTES_PER_NANO) {
            waits = 0;
        } else if (++waits >= WAITS_MAX) {
            waits = WAITS_MAX - 1; // One more is enough next time.
            rest = REST;
        }
    }
}
