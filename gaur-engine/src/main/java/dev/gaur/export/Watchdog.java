package dev.gaur.export;

import java.time.Duration;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** Does something if somebody takes too long. Safe for use by many threads. */
final class Watchdog implements AutoCloseable {
    private final ScheduledThreadPoolExecutor timer;

    Watchdog() {
        timer =
                new ScheduledThreadPoolExecutor(
                        1, Thread.ofPlatform().daemon().name("gaur-watchdog").factory());
        timer.setRemoveOnCancelPolicy(true);
        timer.setKeepAliveTime(10, TimeUnit.SECONDS);
        timer.allowCoreThreadTimeOut(true);
    }

    /** Ends the waiting when closed. */
    record Watch(@Nullable ScheduledFuture<?> future) implements AutoCloseable {
        @Override
        public void close() {
            if (future != null) {
                future.cancel(false);
            }
        }
    }

    /** Runs {@code late} unless the watch is closed in time; never if {@code limit} is zero. */
    Watch watch(Duration limit, Runnable late) {
        return limit.isZero()
                ? new Watch(null)
                : new Watch(timer.schedule(late, limit.toMillis(), TimeUnit.MILLISECONDS));
    }

    @Override
    public void close() {
        timer.shutdownNow();
    }
}
