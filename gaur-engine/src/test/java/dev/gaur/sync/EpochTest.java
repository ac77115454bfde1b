package dev.gaur.sync;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReferenceArray;
import org.junit.jupiter.api.Test;

class EpochTest {
    private final Epoch epoch = new Epoch();

    private static Thread blocked(Runnable action) {
        Thread thread = Thread.ofPlatform().daemon().start(action);
        while (thread.getState() != Thread.State.WAITING) {
            Thread.onSpinWait();
        }
        return thread;
    }

    @Test
    void waitsForThoseWhoCameEarlierOnly() throws Exception {
        int early = epoch.enter();
        AtomicBoolean over = new AtomicBoolean();
        Thread waiter =
                blocked(
                        () -> {
                            epoch.awaitEarlier();
                            over.set(true);
                        });
        int late = epoch.enter(); // Does not block, and is not waited for.
        assertFalse(over.get());
        epoch.leave(early);
        waiter.join();
        assertTrue(over.get());
        epoch.leave(late);
    }

    @Test
    void whoMayNotWaitIsTurnedAwayWhilePaused() {
        epoch.pause();
        assertEquals(Epoch.PAUSED, epoch.tryEnter());
        epoch.resume();
        int ticket = epoch.tryEnter();
        assertNotEquals(Epoch.PAUSED, ticket);
        epoch.leave(ticket);
        epoch.pause(); // Nobody is left inside.
        epoch.resume();
    }

    @Test
    void nobodyInsideIsNotWaitedFor() {
        epoch.awaitEarlier();
        epoch.leave(epoch.enter());
        epoch.awaitEarlier();
    }

    @Test
    void aPauseKeepsOthersOut() throws Exception {
        epoch.pause();
        AtomicBoolean entered = new AtomicBoolean();
        Thread reader =
                blocked(
                        () -> {
                            int ticket = epoch.enter();
                            entered.set(true);
                            epoch.leave(ticket);
                        });
        assertFalse(entered.get());
        epoch.resume();
        reader.join();
        assertTrue(entered.get());
    }

    @Test
    void pausesOfOneThreadNest() {
        epoch.pause();
        epoch.pause();
        epoch.resume();
        epoch.resume();
        epoch.leave(epoch.enter());
        assertThrows(IllegalMonitorStateException.class, epoch::resume);
    }

    /** A place is used by readers and given to others only after all who saw it have left. */
    @Test
    void whatReadersSawStaysTheirsUntilTheyLeave() throws Exception {
        AtomicReferenceArray<AtomicInteger> place =
                new AtomicReferenceArray<>(new AtomicInteger[] {new AtomicInteger()});
        AtomicInteger wrong = new AtomicInteger();
        CountDownLatch turns = new CountDownLatch(2000);
        List<Thread> readers = new ArrayList<>();
        for (int i = 0; i < 4; i++) {
            readers.add(
                    Thread.ofPlatform()
                            .start(
                                    () -> {
                                        while (turns.getCount() > 0) {
                                            int ticket = epoch.enter();
                                            AtomicInteger seen =
                                                    Objects.requireNonNull(place.get(0));
                                            wrong.addAndGet(seen.get());
                                            Thread.onSpinWait();
                                            wrong.addAndGet(seen.get());
                                            epoch.leave(ticket);
                                        }
                                    }));
        }
        while (turns.getCount() > 0) {
            AtomicInteger old = Objects.requireNonNull(place.get(0));
            place.set(0, new AtomicInteger());
            epoch.awaitEarlier();
            old.set(1);
            turns.countDown();
        }
        for (Thread reader : readers) {
            reader.join();
        }
        assertEquals(0, wrong.get());
    }
}
