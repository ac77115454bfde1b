package dev.gaur.export;

import dev.gaur.net.Transport;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * Answers on their way to a client. The connection's thread collects its own in a batch; workers
 * leave theirs, and whoever is sending takes them along. Once sending has failed all is dropped:
 * nobody is there to read it.
 */
final class Outlet {
    /** Holds any reply to an option. */
    private static final int SMALL = 16 << 10;

    private static final int LARGE = 128 << 10;

    private final Arena arena;
    private final ReentrantLock sending = new ReentrantLock();
    private final ConcurrentLinkedQueue<Answer> waiting = new ConcurrentLinkedQueue<>();
    private Transport transport;
    private @Nullable MemorySegment batch;
    private int batchBytes = SMALL;
    private int used;
    private volatile boolean broken;

    /** An answer that has memory of its own. */
    interface Answer {
        /** Returns what to send, in order. */
        List<MemorySegment> parts();

        /** Is called once, when all is sent, or never will be. */
        void done();
    }

    Outlet(Transport transport, Arena arena) {
        this.transport = transport;
        this.arena = arena;
    }

    /** Goes on with another transport; nothing is waiting. */
    void replace(Transport other) {
        transport = other;
    }

    // ---- by the connection's thread

    /**
     * Returns the batch, with room for {@code count} bytes at {@link #position}; {@link #add} says
     * how many were written there.
     *
     * @param count at most what one answer of a handshake takes, or a small read after {@link
     *     #enlarge}
     */
    MemorySegment reserve(int count) {
        MemorySegment here = batch;
        if (here == null) {
            here = arena.allocate(batchBytes, Long.BYTES);
            batch = here;
        }
        if (batchBytes - used < count) {
            flush();
        }
        return here;
    }

    /** Makes room for many answers; a client that is idle does without. */
    void enlarge() {
        flush();
        batch = null;
        batchBytes = LARGE;
    }

    int position() {
        return used;
    }

    void add(int count) {
        used += count;
    }

    /** Sends the batch. */
    void flush() {
        MemorySegment full = batch;
        if (used == 0 || full == null) {
            return;
        }
        int count = used;
        used = 0;
        send(full.asSlice(0, count));
    }

    private void send(MemorySegment bytes) {
        sending.lock();
        try {
            sendNow(bytes);
        } finally {
            sending.unlock();
        }
        sendWaiting();
    }

    /** Sends an answer after the batch, and lets nobody else do it. */
    void send(Answer answer) {
        flush();
        sending.lock();
        try {
            sendNow(answer);
        } finally {
            sending.unlock();
        }
        sendWaiting();
    }

    // ---- by anybody

    /** Sends an answer, or leaves it to whoever is sending. */
    void post(Answer answer) {
        waiting.add(answer);
        sendWaiting();
    }

    private void sendWaiting() {
        while (!waiting.isEmpty() && sending.tryLock()) {
            try {
                for (Answer next = waiting.poll(); next != null; next = waiting.poll()) {
                    sendNow(next);
                }
            } finally {
                sending.unlock();
            }
        }
    }

    private void sendNow(Answer answer) {
        try {
            answer.parts().forEach(this::sendNow);
        } finally {
            answer.done();
        }
    }

    private void sendNow(MemorySegment bytes) {
        if (broken) {
            return;
        }
        try {
            transport.send(bytes);
        } catch (IOException _) {
            breakOff();
        }
    }

    /** Sends nothing more; whoever waits for requests learns it, too. */
    void breakOff() {
        broken = true;
        transport.shutdown();
    }

    /** Tells whether nothing can be sent any more. */
    boolean isBroken() {
        return broken;
    }
}
