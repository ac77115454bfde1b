package dev.gaur.export;

import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ThreadFactory;
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

    private final AtomicInteger sending = new AtomicInteger();
    private final ThreadPoolExecutor executor;

    Workers() {
        this(Thread.ofPlatform().daemon().name("gaur-worker-", 1).factory());
    }

    /** The same with threads of another kind. */
    Workers(ThreadFactory threads) {
        executor =
                new ThreadPoolExecutor(
                        THREADS_MAX,
                        THREADS_MAX,
                        IDLE_SECONDS,
                        TimeUnit.SECONDS,
                        new LinkedBlockingQueue<>(), // Each connection's Flights bound it.
                        threads);
        executor.allowCoreThreadTimeOut(true);
    }

    void run(Runnable work) {
        executor.execute(work);
        makeUp();
    }

    /**
     * Does what may wait for a client to take its answers, by a worker. One worker for each client
     * may wait so; others do their work meanwhile.
     */
    void send(Runnable work) {
        sending.incrementAndGet();
        try {
            makeUp();
            work.run();
        } finally {
            sending.decrementAndGet();
        }
    }

    private void allow(int threads) {
        try {
            executor.setMaximumPoolSize(threads);
            executor.setCorePoolSize(threads); // Starts them.
        } catch (OutOfMemoryError _) {
            // No memory for another one: then those that are there do it, later.
        }
    }

    /** Allows a thread more for each that may be waiting for a client, if there is work. */
    private void makeUp() {
        if (sending.get() > 0 && !executor.getQueue().isEmpty()) {
            synchronized (this) {
                int wanted = THREADS_MAX + sending.get();
                if (wanted > executor.getCorePoolSize()) {
                    allow(wanted);
                }
            }
        }
    }

    /** Ends the threads once they have nothing to do; to be called after the last request. */
    @Override
    public void close() {
        executor.shutdown();
    }
}
