package dev.gaur.verify.engine;

import dev.gaur.block.Durability;
import dev.gaur.block.StorageNode;
import dev.gaur.block.ZeroMode;
import dev.gaur.testkit.StorageWrapper;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.jspecify.annotations.Nullable;

/**
 * Lets threads go on one at a time, from one storage call to the next, in an order that a seed
 * gives. A thread that waits for another one inside of the image is left aside until it comes to a
 * call; when that is, the system decides, so a seed gives nearly the same run again.
 *
 * <p>Locks: its own monitor. Threads stop at its gate before each call.
 */
final class Schedule {
    /** So often all threads must be seen waiting before that is believed. */
    private static final int LOOKS = 40;

    private final Random random;
    private final List<Thread> threads = new ArrayList<>();
    private final List<Thread> atGate = new ArrayList<>(); // guarded by this
    private @Nullable Thread chosen; // guarded by this
    private boolean over; // guarded by this

    Schedule(long seed) {
        this.random = new Random(seed);
        this.chosen = Thread.currentThread();
    }

    /** Storage whose calls stop at the gate. */
    StorageNode at(StorageNode real) {
        return new Gated(real);
    }

    /** Runs all until they end. */
    void run(List<? extends Runnable> work) throws InterruptedException {
        for (Runnable each : work) {
            threads.add(
                    new Thread(
                            () -> {
                                gate();
                                each.run();
                            }));
        }
        synchronized (this) {
            chosen = null;
        }
        threads.forEach(Thread::start);
        while (awaitQuiet()) {
            choose();
        }
        synchronized (this) {
            over = true;
        }
        for (Thread thread : threads) {
            thread.join();
        }
    }

    /** Waits until nobody can go on by itself; tells whether anybody is left. */
    private boolean awaitQuiet() {
        int looks = 0;
        boolean alive = true;
        while (looks < LOOKS && alive) {
            alive = threads.stream().anyMatch(Thread::isAlive);
            looks = isQuiet() ? looks + 1 : 0;
            Thread.yield();
        }
        return alive;
    }

    private synchronized boolean isQuiet() {
        if (chosen != null || atGate.isEmpty()) {
            return false;
        }
        for (Thread thread : threads) {
            Thread.State state = thread.getState();
            boolean waits = state == Thread.State.WAITING || state == Thread.State.BLOCKED;
            if (!waits && state != Thread.State.TERMINATED) {
                return false;
            }
        }
        return true;
    }

    private synchronized void choose() {
        List<Thread> ready = new ArrayList<>();
        for (Thread thread : threads) { // In one order, whoever came first.
            if (atGate.contains(thread)) {
                ready.add(thread);
            }
        }
        chosen = ready.get(random.nextInt(ready.size()));
        notifyAll();
    }

    private synchronized void gate() {
        Thread me = Thread.currentThread();
        if (!threads.contains(me)) {
            return; // Prepares, or looks at what is left.
        }
        atGate.add(me);
        while (!over && chosen != me) {
            try {
                wait();
            } catch (InterruptedException e) {
                throw new AssertionError(e);
            }
        }
        atGate.remove(me);
        chosen = null;
    }

    private final class Gated extends StorageWrapper {
        Gated(StorageNode real) {
            super(real);
        }

        @Override
        public void write(long offset, MemorySegment source, Durability durability) {
            gate();
            super.write(offset, source, durability);
        }

        @Override
        public void zero(long offset, long length, ZeroMode mode, Durability durability) {
            gate();
            super.zero(offset, length, mode, durability);
        }

        @Override
        public void discard(long offset, long length) {
            gate();
            super.discard(offset, length);
        }

        @Override
        public void resize(long newLength) {
            gate();
            super.resize(newLength);
        }

        @Override
        public void flush() {
            gate();
            super.flush();
            gate(); // Others may write between a flush and what its caller does then.
        }
    }
}
