package dev.gaur.sync;

import java.util.concurrent.atomic.AtomicLongArray;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Lets requests pass freely, and lets others wait until those under way are done: before what they
 * may still be using is given to somebody else ({@link #awaitEarlier}), or before all is changed
 * ({@link #pause}). Entering and leaving cost two atomic additions, spread over several counters.
 *
 * <p>Who is inside must wait for nobody who waits for those inside. Safe for use by many threads.
 */
public final class Epoch {
    /** What {@link #tryEnter} returns while everybody is kept out. */
    public static final int PAUSED = -1;

    private static final int COUNTERS = 16;

    /** Longs between two counters: two cache lines, since processors fetch lines in pairs. */
    private static final int STRIDE = 16;

    /** Two sets of counters: new requests use the one, earlier ones leave the other. */
    private final AtomicLongArray inside = new AtomicLongArray(2 * COUNTERS * STRIDE);

    private final ReentrantLock turning = new ReentrantLock();
    private final ReentrantLock pausing = new ReentrantLock();
    private volatile int phase;
    private volatile boolean paused;
    private volatile int waiting; // changed under the monitor

    /**
     * Enters; waits while paused.
     *
     * @return a ticket for {@link #leave}
     */
    public int enter() {
        int ticket = tryEnterNow();
        while (ticket == PAUSED) {
            awaitResumed();
            ticket = tryEnterNow();
        }
        return ticket;
    }

    private int tryEnterNow() {
        while (true) {
            int now = phase;
            int counter = (int) (Thread.currentThread().threadId() % COUNTERS);
            int ticket = (now * COUNTERS + counter) * STRIDE;
            inside.getAndIncrement(ticket);
            // Read after counting: either we see the change, or who made it sees our count.
            if (!paused && phase == now) {
                return ticket;
            }
            leave(ticket);
            if (paused) {
                return PAUSED;
            }
        }
    }

    /**
     * Enters unless paused; does not wait.
     *
     * @return a ticket for {@link #leave}, or {@link #PAUSED}
     */
    public int tryEnter() {
        return paused ? PAUSED : tryEnterNow();
    }

    /** Leaves; to be called once for each ticket, by any thread. */
    public void leave(int ticket) {
        inside.getAndDecrement(ticket);
        if (waiting > 0) {
            synchronized (this) {
                notifyAll();
            }
        }
    }

    /** Waits until all who are inside now have left; others may enter meanwhile. */
    public void awaitEarlier() {
        turning.lock();
        try {
            int earlier = phase;
            phase = 1 - earlier;
            awaitEmpty(earlier);
        } finally {
            turning.unlock();
        }
    }

    /**
     * Keeps everybody out, and waits until all have left; until {@link #resume}, which the same
     * thread calls.
     */
    public void pause() {
        pausing.lock();
        paused = true;
        awaitEmpty(0);
        awaitEmpty(1);
    }

    /** Lets everybody in again. */
    public void resume() {
        if (!pausing.isHeldByCurrentThread()) {
            throw new IllegalMonitorStateException("not paused by this thread");
        }
        if (pausing.getHoldCount() == 1) {
            synchronized (this) {
                paused = false;
                notifyAll();
            }
        }
        pausing.unlock();
    }

    private synchronized void awaitResumed() {
        boolean interrupted = false;
        while (paused) {
            interrupted |= Waiting.on(this);
        }
        Waiting.keep(interrupted);
    }

    private synchronized void awaitEmpty(int set) {
        waiting++;
        boolean interrupted = false;
        while (isSomebodyIn(set)) {
            interrupted |= Waiting.on(this);
        }
        waiting--;
        Waiting.keep(interrupted);
    }

    private boolean isSomebodyIn(int set) {
        for (int counter = 0; counter < COUNTERS; counter++) {
            if (inside.get((set * COUNTERS + counter) * STRIDE) != 0) {
                return true;
            }
        }
        return false;
    }
}
