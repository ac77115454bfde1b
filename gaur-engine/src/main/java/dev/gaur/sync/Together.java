package dev.gaur.sync;

import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/**
 * The same done to each of many things, by the caller and whoever helps: mostly waiting for a disk
 * that does several things at once.
 *
 * @param <T> what has its turn once, with any of the threads
 * @param <E> what the action throws
 */
public final class Together<T, E extends Exception> {
    /** Those who do work elsewhere. */
    @FunctionalInterface
    public interface Side {
        /** Begins work that ends soon; false if nobody does it. */
        boolean tryRun(Runnable work);
    }

    /** What is done to each. */
    @FunctionalInterface
    public interface Action<T, E extends Exception> {
        /** Does it; safe for use by many threads. */
        void accept(T item) throws E;
    }

    private final List<T> items;
    private final Action<T, E> action;
    private final AtomicInteger next = new AtomicInteger();
    private final AtomicReference<@Nullable Throwable> failure = new AtomicReference<>();
    private int working; // guarded by this

    private Together(List<T> items, Action<T, E> action) {
        this.items = items;
        this.action = action;
    }

    /**
     * Does something to each item; all is over when it returns, whatever interrupts.
     *
     * @param helpers how many are asked to help; whoever is not there is not waited for
     * @throws E what the first action threw that failed; it ends all
     */
    public static <T, E extends Exception> void forEach(
            List<T> items, int helpers, Side side, Action<T, E> action) throws E {
        new Together<>(items, action).run(helpers, side);
    }

    @SuppressWarnings("unchecked") // Nothing else can be thrown by an action.
    private void run(int helpers, Side side) throws E {
        Runnable help = this::help;
        for (int i = 0; i < helpers; i++) {
            count(1);
            if (!side.tryRun(help)) {
                count(-1);
            }
        }
        doSome();
        awaitOthers();
        Throwable thrown = failure.get();
        // Not a switch: the JVM makes a class for one over types, at every start.
        if (thrown instanceof Error error) {
            throw error;
        } else if (thrown != null) {
            throw (E) thrown;
        }
    }

    private void help() {
        try {
            doSome();
        } finally {
            count(-1);
        }
    }

    private synchronized void count(int change) {
        working += change;
        notifyAll();
    }

    /** Waits; needs no memory. An interrupt is kept for later. */
    private synchronized void awaitOthers() {
        boolean interrupted = false;
        while (working > 0) {
            interrupted |= Waiting.on(this);
        }
        Waiting.keep(interrupted);
    }

    private void doSome() {
        try {
            int index;
            while ((index = next.getAndIncrement()) < items.size()) {
                action.accept(items.get(index));
            }
        } catch (Throwable thrown) {
            failure.compareAndSet(null, thrown);
            next.set(items.size());
        }
    }
}
