package dev.gaur.job;

import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Has the disk write while a job still copies: now and then one worker flushes and the others go
 * on, so that the flush at the job's end, which nothing can be done beside, has little left to wait
 * for. Safe for use by many threads.
 */
final class EarlyFlush {
    private static final long STEP = 64L << 20;

    private final Runnable flush;
    private final AtomicLong written = new AtomicLong();
    private final ReentrantLock flushing = new ReentrantLock();

    /**
     * @param flush makes stable what was written; what it throws ends the job
     */
    EarlyFlush(Runnable flush) {
        this.flush = flush;
    }

    /** To be told of each write by who made it; may block for a flush. */
    void wrote(long bytes) {
        long end = written.addAndGet(bytes);
        if (end / STEP == (end - bytes) / STEP || !flushing.tryLock()) {
            return;
        }
        try {
            flush.run();
        } finally {
            flushing.unlock();
        }
    }
}
