package dev.gaur.sync;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class WaitingTest {
    private final AtomicBoolean there = new AtomicBoolean();
    private boolean keptInterrupt;

    private synchronized void awaitThere() {
        boolean interrupted = false;
        while (!there.get()) {
            interrupted |= Waiting.on(this);
        }
        Waiting.keep(interrupted);
        keptInterrupt = Thread.currentThread().isInterrupted();
    }

    private synchronized void come() {
        there.set(true);
        notifyAll();
    }

    @Test
    void whoIsInterruptedWaitsOnAndLearnsItLater() throws InterruptedException {
        Thread thread = Thread.ofPlatform().start(this::awaitThere);
        thread.interrupt();
        while (thread.isInterrupted()) { // Until the wait has taken notice.
            Thread.onSpinWait();
        }
        assertTrue(thread.isAlive());
        come();
        thread.join();
        assertTrue(keptInterrupt);
    }

    @Test
    void whoIsNotInterruptedLearnsNothing() throws InterruptedException {
        Thread thread = Thread.ofPlatform().start(this::awaitThere);
        come();
        thread.join();
        assertFalse(keptInterrupt);
    }

    @Test
    void someTimeIsTheMost() {
        synchronized (there) {
            assertFalse(Waiting.on(there, 1));
        }
        assertThrows(IllegalMonitorStateException.class, () -> Waiting.on(there));
    }

    @Test
    void theEndOfAThreadIsWaitedForWhateverInterrupts() {
        Thread waiting = Thread.currentThread();
        Thread other =
                Thread.ofPlatform()
                        .start(
                                () -> {
                                    while (waiting.isInterrupted()) { // Until it waits again.
                                        Thread.onSpinWait();
                                    }
                                });
        waiting.interrupt();
        Waiting.forEndOf(other);
        assertFalse(other.isAlive());
        assertTrue(Thread.interrupted());
    }
}
