package dev.gaur.sync;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class SideThreadsTest {
    private static final int THREADS = SideThreads.shared().most();

    private final CountDownLatch mayEnd = new CountDownLatch(1);
    private final CountDownLatch begun = new CountDownLatch(THREADS);

    private void work() {
        begun.countDown();
        try {
            mayEnd.await();
        } catch (InterruptedException interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    @Test
    void whoComesWhenAllAreBusyIsToldSo() throws InterruptedException {
        SideThreads threads =
                new SideThreads(Thread.ofPlatform().daemon().name("test-", 1).factory());
        for (int i = 0; i < THREADS; i++) {
            assertTrue(threads.tryRun(this::work));
        }
        begun.await();
        assertFalse(threads.tryRun(this::work));
        mayEnd.countDown();
        assertEquals(0, begun.getCount());
    }

    @Test
    void withoutAThreadTheCallerIsToldSo() {
        SideThreads threads =
                new SideThreads(
                        work -> {
                            throw new OutOfMemoryError("no thread, made up");
                        });
        assertFalse(threads.tryRun(this::work));
        assertFalse(threads.tryRun(this::work));
    }
}
