package dev.gaur.job;

import java.util.concurrent.CancellationException;

/**
 * How somebody outside follows a job and ends it. Safe for use by many threads; a subclass is told
 * of progress on any of the job's threads, one at a time, and should return soon.
 */
public class JobControl {
    private final Object monitor = new Object();
    private long done;
    private volatile boolean cancelled;

    /** Makes one that hears nothing. */
    public JobControl() {}

    /**
     * Hears that more is done.
     *
     * @param doneBytes bytes of the whole that are done, skipped ones included
     * @param totalBytes bytes of the whole
     */
    protected void progress(long doneBytes, long totalBytes) {}

    /**
     * Hears of something that went wrong without ending the job, such as bytes that could not be
     * read and were replaced by zeros.
     */
    protected void warning(String text) {}

    /** Ends the job soon: it throws {@link CancellationException}. */
    public final void cancel() {
        cancelled = true;
    }

    final void checkCancelled() {
        if (cancelled) {
            throw new CancellationException("the job was cancelled");
        }
    }

    final void add(long bytes, long total) {
        synchronized (monitor) {
            done += bytes;
            progress(done, total);
        }
    }

    final void warn(String text) {
        synchronized (monitor) {
            warning(text);
        }
    }
}
