package dev.gaur.job;

import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/** Keeps a job below a speed. Safe for use by many threads. */
final class Throttle {
    private final long bytesPerSecond;
    private long freeAt = System.nanoTime();

    /**
     * @param bytesPerSecond the bound, 0 for none
     */
    Throttle(long bytesPerSecond) {
        this.bytesPerSecond = bytesPerSecond;
    }

    /** Takes so many bytes from the budget, and waits until what was taken before is paid for. */
    void take(long bytes) {
        if (bytesPerSecond == 0) {
            return;
        }
        long start;
        synchronized (this) {
            start = Math.max(freeAt, System.nanoTime());
            double seconds = (double) bytes / bytesPerSecond;
            freeAt = start + (long) (seconds * TimeUnit.SECONDS.toNanos(1));
        }
        for (long left = start - System.nanoTime(); left > 0; left = start - System.nanoTime()) {
            LockSupport.parkNanos(left);
        }
    }
}
