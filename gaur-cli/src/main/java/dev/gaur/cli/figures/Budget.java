package dev.gaur.cli.figures;

import java.util.function.LongSupplier;

/** How long a run may take. What has begun is done; nothing begins when the time is over. */
final class Budget {
    private final LongSupplier nanos;
    private final long start;
    private final long limitNanos;

    Budget(LongSupplier nanos, long limitNanos) {
        this.nanos = nanos;
        this.start = nanos.getAsLong();
        this.limitNanos = limitNanos;
    }

    boolean isOver() {
        return nanos.getAsLong() - start >= limitNanos;
    }

    /** Returns the seconds since the beginning. */
    long seconds() {
        return (nanos.getAsLong() - start) / 1_000_000_000;
    }
}
