package dev.gaur.job;

import dev.gaur.sync.Waiting;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.concurrent.CancellationException;
import java.util.function.Consumer;
import java.util.function.Supplier;

/**
 * Lets one of several workers write what all of them have made ready: a file system lets in one
 * writer of a file at a time, and the others would spin at its door. A worker that comes with a
 * parcel while nobody writes becomes the writer, and stays it as long as others bring more; one
 * that comes while somebody writes leaves its parcel there and goes on with the next. So nobody
 * waits for the writer, unless it has fallen far behind.
 *
 * <p>A bounded number of parcels goes round, the one used last first, since its buffers are still
 * in a cache. Safe for use by many threads.
 *
 * @param <T> a parcel: buffers, and where their bytes go
 */
final class WriteQueue<T> {
    private final int most;
    private final Supplier<T> factory;
    private final Consumer<T> write;
    private final Deque<T> empty = new ArrayDeque<>();
    private final Deque<T> full = new ArrayDeque<>();
    private int made;
    private boolean writing;
    private boolean closed;

    /**
     * @param most how many parcels there are at most; more than workers
     * @param factory makes one; called for one thread at a time
     * @param write writes one; called for one thread at a time
     */
    WriteQueue(int most, Supplier<T> factory, Consumer<T> write) {
        this.most = most;
        this.factory = factory;
        this.write = write;
    }

    /**
     * Waits for a parcel that nobody uses. Each has to come back, by {@link #put} or {@link
     * #giveBack}.
     *
     * @throws CancellationException if the queue was closed
     */
    synchronized T take() {
        boolean interrupted = false;
        while (empty.isEmpty() && made == most && !closed) {
            interrupted |= Waiting.on(this); // The others decide whether the job ends.
        }
        Waiting.keep(interrupted);
        checkOpen();
        if (empty.isEmpty()) {
            T parcel = factory.get();
            made++;
            return parcel;
        }
        return empty.pop();
    }

    /** Returns a parcel that has nothing to be written. */
    synchronized void giveBack(T parcel) {
        empty.push(parcel);
        // To wake somebody takes as long as to write a little: not for each parcel.
        if (full.isEmpty() || empty.size() >= most / 2) {
            notifyAll();
        }
    }

    /**
     * Has a parcel written, by this thread or another. What was put is written when all threads
     * have returned from here. What the writing throws comes out at whom it happens to; nothing
     * more is written then.
     *
     * @throws CancellationException if the queue was closed
     */
    void put(T parcel) {
        if (!becomesWriter(parcel)) {
            return;
        }
        try {
            for (T next = first(); ; next = first()) {
                write.accept(next);
                giveBack(next);
                if (isDone()) {
                    return;
                }
            }
        } catch (RuntimeException | Error failure) {
            close();
            throw failure;
        }
    }

    private synchronized boolean becomesWriter(T parcel) {
        checkOpen();
        full.add(parcel);
        boolean first = !writing;
        writing = true;
        return first;
    }

    private synchronized T first() {
        checkOpen();
        return full.remove();
    }

    private synchronized boolean isDone() {
        writing = !full.isEmpty();
        return !writing;
    }

    private void checkOpen() {
        if (closed) {
            throw new CancellationException("another worker failed");
        }
    }

    /** Lets nobody take or put any more, and wakes who waits. What was put is not written. */
    synchronized void close() {
        closed = true;
        notifyAll();
    }
}
