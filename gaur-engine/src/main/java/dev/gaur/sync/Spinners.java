package dev.gaur.sync;

import java.util.concurrent.atomic.AtomicInteger;

/**
 * Bounds how many threads of the process look for something again and again instead of sleeping.
 * Two that do so on two processors would keep those from working that they wait for.
 */
public final class Spinners {
    private static final int MAX = Math.max(1, Runtime.getRuntime().availableProcessors() / 2);

    private static final AtomicInteger NOW = new AtomicInteger();

    private Spinners() {}

    /** Tells whether one more may; each true is followed by one {@link #end}. Never waits. */
    public static boolean begin() {
        if (NOW.getAndIncrement() < MAX) {
            return true;
        }
        NOW.getAndDecrement();
        return false;
    }

    /** Ends. */
    public static void end() {
        NOW.getAndDecrement();
    }
}
