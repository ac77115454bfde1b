package dev.gaur.format.qcow2;

import dev.gaur.sync.Waiting;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Others who help to bring clusters to the file where a write takes as long as the disk does: it
 * does several at once, and would idle while one thread does what comes between two of them.
 *
 * <p>Safe for many threads; takes no lock.
 *
 * @param besides who do it as one change among others
 * @param own who do it for somebody who waits for them, and who keeps the image as it is meanwhile
 * @param most how many help at once
 */
record CowHelpers(Side besides, Side own, int most, AtomicInteger makingRoom) {
    /** So many clusters one has for itself: fewer are not worth a thread. */
    private static final int CLUSTERS_EACH = 16;

    /** Those who do work elsewhere. */
    @FunctionalInterface
    interface Side {
        /** Begins work that ends soon; false if nobody does it. */
        boolean tryRun(Runnable work);
    }

    CowHelpers(Side besides, Side own, int most) {
        this(besides, own, most, new AtomicInteger());
    }

    /** Nobody helps. */
    static CowHelpers none() {
        return new CowHelpers(work -> false, work -> false, 0);
    }

    /** Has somebody do work as a change among others; false if nobody does it. */
    boolean tryRun(Runnable work) {
        return most > 0 && besides.tryRun(work);
    }

    /**
     * Has somebody make room, as a change among others, unless enough do.
     *
     * @param makesSome makes some; false if it cannot, or there is enough
     */
    void makeRoom(BooleanSupplier makesSome) {
        int now = makingRoom.get();
        if (now >= most || !makingRoom.compareAndSet(now, now + 1)) {
            return;
        }
        boolean begun = false;
        try {
            begun = besides.tryRun(() -> makeSomeRoom(makesSome));
        } finally {
            if (!begun) {
                makingRoom.decrementAndGet();
            }
        }
    }

    private void makeSomeRoom(BooleanSupplier makesSome) {
        try {
            boolean more = true;
            for (int i = 0; more && i < CLUSTERS_EACH; i++) {
                more = makesSome.getAsBoolean();
            }
        } finally {
            makingRoom.decrementAndGet();
        }
    }

    /**
     * Does something with each group of clusters, with the others' help; all is over when it
     * returns.
     *
     * @param action what it throws ends all, and is thrown when all have ended
     */
    void forEach(List<List<CachedCluster>> groups, Consumer<List<CachedCluster>> action) {
        int clusters = groups.stream().mapToInt(List::size).sum();
        new Shared(groups, action).run(Math.min(most, clusters / CLUSTERS_EACH));
    }

    /** Work that several do together. */
    private final class Shared {
        private final List<List<CachedCluster>> groups;
        private final Consumer<List<CachedCluster>> action;
        private final AtomicInteger next = new AtomicInteger();
        private final AtomicReference<@Nullable Throwable> failure = new AtomicReference<>();
        private int working; // guarded by this

        Shared(List<List<CachedCluster>> groups, Consumer<List<CachedCluster>> action) {
            this.groups = groups;
            this.action = action;
        }

        void run(int helpers) {
            Runnable help = this::help;
            for (int i = 0; i < helpers; i++) {
                count(1);
                if (!own.tryRun(help)) {
                    count(-1);
                }
            }
            doSome();
            awaitOthers();
            switch (failure.get()) {
                case RuntimeException exception -> throw exception;
                case Error error -> throw error;
                case null, default -> {}
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
                while ((index = next.getAndIncrement()) < groups.size()) {
                    action.accept(groups.get(index));
                }
            } catch (RuntimeException | Error thrown) {
                failure.compareAndSet(null, thrown);
                next.set(groups.size());
            }
        }
    }
}
