package dev.gaur.format.qcow2;

import dev.gaur.sync.Together;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;

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
record CowHelpers(Together.Side besides, Together.Side own, int most, AtomicInteger makingRoom) {
    /** So many clusters one has for itself: fewer are not worth a thread. */
    private static final int CLUSTERS_EACH = 16;

    CowHelpers(Together.Side besides, Together.Side own, int most) {
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
        int helpers = Math.min(most, clusters / CLUSTERS_EACH);
        Together.forEach(groups, helpers, own, action::accept);
    }
}
