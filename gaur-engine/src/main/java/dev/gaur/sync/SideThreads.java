package dev.gaur.sync;

import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.SynchronousQueue;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;

/**
 * A few threads for all of the process that wait for disks in place of who has more to do. Threads
 * of the system, since a virtual one that waits in a system call keeps a processor from others.
 * They end when there is nothing to do for a while, and keep no program from ending. Safe for use
 * by many threads.
 */
public final class SideThreads {
    /** One file system does not do more at once that is worth waiting for. */
    private static final int THREADS_MAX = 8;

    private static final int IDLE_SECONDS = 10;

    private static final SideThreads SHARED =
            new SideThreads(Thread.ofPlatform().daemon().name("gaur-side-", 1).factory());

    private final ThreadPoolExecutor executor;

    SideThreads(ThreadFactory threads) {
        executor =
                new ThreadPoolExecutor(
                        0,
                        THREADS_MAX,
                        IDLE_SECONDS,
                        TimeUnit.SECONDS,
                        new SynchronousQueue<>(),
                        threads);
    }

    /** Returns those of the process. */
    public static SideThreads shared() {
        return SHARED;
    }

    /** Returns how many there are at most. */
    public int most() {
        return THREADS_MAX;
    }

    /**
     * Has work done by one of them that is free. Does not wait.
     *
     * @return false if none is: then the caller has to do it
     */
    public boolean tryRun(Runnable work) {
        try {
            executor.execute(work);
            return true;
        } catch (RejectedExecutionException | OutOfMemoryError _) {
            return false;
        }
    }
}
