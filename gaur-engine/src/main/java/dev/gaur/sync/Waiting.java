package dev.gaur.sync;

/**
 * Waiting that an interrupt does not end, for those who would leave something half done: it is kept
 * for whoever can be interrupted later. Needs no memory. Safe for use by many threads.
 *
 * <pre>{@code
 * boolean interrupted = false;
 * while (isBusy()) {
 *     interrupted |= Waiting.on(this);
 * }
 * Waiting.keep(interrupted);
 * }</pre>
 */
public final class Waiting {
    private Waiting() {}

    /**
     * Waits until somebody notifies, an interrupt comes, or for no reason, as {@link Object#wait()}
     * does.
     *
     * @param monitor which the thread holds
     * @return whether the thread was interrupted
     */
    public static boolean on(Object monitor) {
        return on(monitor, 0);
    }

    /**
     * The same for some time at most.
     *
     * @param millis how long; 0 without end
     */
    public static boolean on(Object monitor, long millis) {
        try {
            monitor.wait(millis);
            return false;
        } catch (InterruptedException _) {
            return true;
        }
    }

    /**
     * Interrupts the thread if it was interrupted while it waited.
     *
     * @param interrupted what {@link #on} returned once or more
     */
    public static void keep(boolean interrupted) {
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    /** Waits for the end of a thread. */
    public static void forEndOf(Thread thread) {
        boolean interrupted = false;
        boolean ended = false;
        while (!ended) {
            try {
                thread.join();
                ended = true;
            } catch (InterruptedException _) {
                interrupted = true;
            }
        }
        keep(interrupted);
    }
}
