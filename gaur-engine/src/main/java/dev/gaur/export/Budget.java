package dev.gaur.export;

import dev.gaur.sync.Waiting;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Bounds what all connections of a server together hold. Who finds nothing left waits, or goes on
 * beyond the bound where it says that it must. Safe for use by many threads; takes no lock unless
 * somebody waits.
 */
final class Budget {
    private final long most;
    private final AtomicLong out = new AtomicLong();
    private volatile int waiting; // changed under the monitor

    Budget(long most) {
        this.most = most;
    }

    /** Takes bytes if so many are left. */
    boolean tryTake(long bytes) {
        long before = out.get();
        while (before + bytes <= most) {
            if (out.compareAndSet(before, before + bytes)) {
                return true;
            }
            before = out.get();
        }
        return false;
    }

    /** Takes bytes, whether there are any left or not. */
    void take(long bytes) {
        out.addAndGet(bytes);
    }

    /** Gives bytes back; whoever waits looks again. */
    void give(long bytes) {
        out.addAndGet(-bytes);
        if (waiting > 0) {
            synchronized (this) {
                notifyAll();
            }
        }
    }

    /** Something that may come to be so when bytes are given back. */
    @FunctionalInterface
    interface Attempt {
        boolean succeeds();
    }

    /** Waits until an attempt succeeds, which is made now and whenever bytes are given back. */
    synchronized void await(Attempt attempt) {
        boolean interrupted = false;
        waiting++;
        while (!attempt.succeeds()) {
            interrupted |= Waiting.on(this);
        }
        waiting--;
        Waiting.keep(interrupted);
    }

    /** Returns how many bytes are out. */
    long out() {
        return out.get();
    }
}
