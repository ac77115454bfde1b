package dev.gaur.job;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

/** When a job that copies has the disk write. */
class EarlyFlushTest {
    private static final long MIB = 1 << 20;

    @Test
    void everySoManyBytesThereIsAFlush() {
        AtomicInteger flushes = new AtomicInteger();
        EarlyFlush early = new EarlyFlush(flushes::incrementAndGet);
        List<Integer> after = new ArrayList<>();
        for (int i = 0; i < 5; i++) {
            early.wrote(32 * MIB);
            after.add(flushes.get());
        }

        assertEquals(List.of(0, 1, 1, 2, 2), after);
    }

    @Test
    void whoWritesDuringAFlushDoesNotWaitForIt() {
        AtomicInteger flushes = new AtomicInteger();
        EarlyFlush[] early = new EarlyFlush[1];
        early[0] =
                new EarlyFlush(
                        () -> {
                            if (flushes.incrementAndGet() == 1) {
                                Thread other =
                                        Thread.ofPlatform().start(() -> early[0].wrote(64 * MIB));
                                joinQuietly(other);
                            }
                        });

        early[0].wrote(64 * MIB);

        assertEquals(1, flushes.get());
    }

    private static void joinQuietly(Thread thread) {
        try {
            thread.join();
        } catch (InterruptedException interrupted) {
            throw new AssertionError(interrupted);
        }
    }

    @Test
    void aFailureEndsTheJobAndNotTheFlushesOfOthers() {
        AtomicInteger flushes = new AtomicInteger();
        EarlyFlush early =
                new EarlyFlush(
                        () -> {
                            if (flushes.incrementAndGet() == 1) {
                                throw new IllegalStateException("disk full");
                            }
                        });

        assertThrows(IllegalStateException.class, () -> early.wrote(64 * MIB));
        early.wrote(64 * MIB);

        assertEquals(2, flushes.get());
    }
}
