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
    private final Progress progress;
    private final ReentrantLock sending = new ReentrantLock();
    private final ConcurrentLinkedQueue<Answer> waiting = new ConcurrentLinkedQueue<>();
    private Transport transport;
    private @Nullable MemorySegment batch;
    private int batchBytes = SMALL;
    private int used;
    private @Nullable Holder holder;
    private volatile boolean broken;

    /** Whose thread must not wait for the client while it holds something. */
    interface Holder {
        boolean holds();

        void letGo();
    }

    /** An answer that has memory of its own. */
    interface Answer {
        /** Returns what to send, in order. */
        List<MemorySegment> parts();

        /** Is called once, when all is sent, or never will be. */
        void done();
    }

    Outlet(Transport transport, Arena arena, Progress progress) {
        this.transport = transport;
        this.arena = arena;
        this.progress = progress;
    }

    /** Says who may not wait; by the connection's thread. */
    void setHolder(Holder holder) {
        this.holder = holder;
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
        lock();
        try {
            sendNow(bytes, holder);
        } finally {
            sending.unlock();
        }
        sendWaiting(holder);
    }

    private void lock() {
        Holder own = holder;
        if (!sending.tryLock()) {
            if (own != null) {
                own.letGo();
            }
            sending.lock();
        }
    }

    /** Sends an answer after the batch, and lets nobody else do it. */
    void send(Answer answer) {
        flush();
        lock();
        try {
            sendNow(answer, holder);
        } finally {
            sending.unlock();
        }
        sendWaiting(holder);
    }

    // ---- by anybody

    /** Sends an answer, or leaves it to whoever is sending. */
    void post(Answer answer) {
        waiting.add(answer);
        sendWaiting(null);
    }

    private void sendWaiting(@Nullable Holder own) {
        while (!waiting.isEmpty() && sending.tryLock()) {
            try {
                for (Answer next = waiting.poll(); next != null; next = waiting.poll()) {
                    sendNow(next, own);
                }
            } finally {
                sending.unlock();
            }
        }
    }

    private void sendNow(Answer answer, @Nullable Holder own) {
        try {
            answer.parts().forEach(bytes -> sendNow(bytes, own));
        } finally {
            answer.done();
        }
    }

    /**
     * Sends.
     *
     * @param own what this thread must not hold while it waits
     */
    private void sendNow(MemorySegment bytes, @Nullable Holder own) {
        if (broken) {
            return;
        }
        try {
            int done = 0;
            if (own != null && own.holds()) {
                done = transport.sendNow(bytes);
                if (done < bytes.byteSize()) {
                    own.letGo();
                }
            }
            if (done < bytes.byteSize()) {
                sendAll(bytes, done);
            }
        } catch (IOException _) {
            breakOff();
        }
    }

    private void sendAll(MemorySegment bytes, int from) throws IOException {
        long size = bytes.byteSize();
        progress.beginSending();
        try {
            for (long done = from, count; done < size; done += count) {
                count = Math.min(size - done, Progress.STEP);
                transport.send(count == size ? bytes : bytes.asSlice(done, count));
                progress.hasTaken();
            }
        } finally {
            progress.endSending();
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
