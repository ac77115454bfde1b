package dev.gaur.storage.nbd;

import java.io.IOException;
import java.util.concurrent.Semaphore;
import org.jspecify.annotations.Nullable;

/**
 * The requests of a session that have no answer yet, and who of their threads receives. Safe for
 * use by many threads.
 */
final class Flights {
    /** As many as there can be callers; QEMU's server works on 16 at a time. */
    private static final int MAX = 128;

    private final Semaphore room = new Semaphore(MAX);
    private final @Nullable Flight[] slots = new Flight[MAX]; // all below guarded by this
    private final int[] free = new int[MAX];
    private int freeCount = MAX;
    private long sequence;
    private boolean led;
    private @Nullable IOException ended;

    Flights() {
        for (int i = 0; i < MAX; i++) {
            free[i] = i;
        }
    }

    /**
     * Enters a request. May wait until others are done.
     *
     * @throws IOException what the session ended with
     */
    void begin(Flight flight) throws IOException {
        room.acquireUninterruptibly();
        synchronized (this) {
            if (ended == null) {
                int slot = free[--freeCount];
                slots[slot] = flight;
                flight.cookie = sequence++ * MAX + slot;
                return;
            }
        }
        room.release();
        throw ended();
    }

    /** Takes a request out that is done; true if it was the last of a session that has ended. */
    boolean end(Flight flight) {
        boolean last;
        synchronized (this) {
            int slot = (int) (flight.cookie % MAX);
            slots[slot] = null;
            free[freeCount++] = slot;
            last = ended != null && freeCount == MAX;
        }
        room.release();
        return last;
    }

    /** Finds the request that an answer is for; null if there is none. */
    synchronized @Nullable Flight find(long cookie) {
        Flight found = slots[(int) (cookie & (MAX - 1))];
        return found != null && found.cookie == cookie && !found.isDone() ? found : null;
    }

    /** Returns how many there are. */
    synchronized int count() {
        return MAX - freeCount;
    }

    // ---- who receives

    /** Tells a thread that has sent its request whether it is to receive; else it has to wait. */
    synchronized boolean lead(Flight flight) {
        flight.waiting = true;
        if (led || flight.isDone()) {
            return false;
        }
        led = true;
        return true;
    }

    /** Ends receiving. Another who waits is woken for it. */
    synchronized void resign() {
        led = false;
        for (Flight each : slots) {
            // Who is still sending may not get on before somebody receives.
            if (each != null && each.waiting && !each.isDone()) {
                each.wake();
                return;
            }
        }
    }

    // ---- end

    /** Lets no request in any more; true if there is none. */
    synchronized boolean close(IOException why) {
        if (ended == null) {
            ended = why;
        }
        return freeCount == MAX;
    }

    synchronized boolean isClosed() {
        return ended != null;
    }

    /** Returns what the session has ended with. */
    synchronized IOException ended() {
        return ended == null ? new IOException("the session goes on") : ended;
    }

    /** Ends all requests without an answer; to be called by who receives, after {@link #close}. */
    synchronized void failAll() {
        for (Flight each : slots) {
            if (each != null && !each.isDone()) {
                each.fail(ended());
            }
        }
    }
}
