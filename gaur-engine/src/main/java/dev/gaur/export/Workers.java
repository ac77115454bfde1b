package dev.gaur.export;

import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * A server's threads for requests that may have to wait: threads of the system, since a virtual one
 * that waits in a system call keeps a processor from the others. They end when there is nothing to
 * do for a while.
 */
final class Workers implements AutoCloseable {
    /** As many requests as disks like to have. */
    private static final int THREADS_MAX = 64;

    private static final int IDLE_SECONDS = 10;

    private final AtomicInteger number = new AtomicInteger();
    private final ThreadPoolExecutor executor;

    Workers() {
        executor =
                new ThreadPoolExecutor(
                        THREADS_MAX,
                        THREADS_MAX,
                        IDLE_SECONDS,
                        TimeUnit.SECONDS,
                        new LinkedBlockingQueue<>(), // Each connection's Flights bound it.
                        this::thread);
        executor.allowCoreThreadTimeOut(true);
    }

    private Thread thread(Runnable work) {
        return Thread.ofPlatform()
                .daemon()
                .name("gaur-worker-" + number.incrementAndGet())
                .unstarted(work);
    }

    void run(Runnable work) {
        executor.execute(work);
    }

    /** Ends the threads once they have nothing to do; to be called after the last request. */
    @Override
    public void close() {
        executor.shutdown();
    }
}
