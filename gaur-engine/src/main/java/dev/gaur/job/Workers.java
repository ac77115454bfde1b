package dev.gaur.job;

import dev.gaur.sync.Waiting;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CancellationException;
import org.jspecify.annotations.Nullable;

/**
 * Runs the same body on several platform threads and waits for all of them. Platform threads, since
 * the work is computing and system calls that do not yield.
 */
final class Workers {
    private final Runnable stop;
    private @Nullable Throwable failure;

    /**
     * @param stop makes the other workers end soon; called when one has failed, perhaps several
     *     times
     */
    Workers(Runnable stop) {
        this.stop = stop;
    }

    /** Runs the body {@code count} times; throws what the first one that failed threw. */
    void run(String name, int count, Runnable body) {
        List<Thread> threads = new ArrayList<>();
        for (int i = 1; i < count; i++) {
            threads.add(Thread.ofPlatform().name(name + "-" + i).daemon().start(guarded(body)));
        }
        guarded(body).run();
        threads.forEach(Waiting::forEndOf); // Buffers must not be used after we return.
        synchronized (this) {
            // Not a switch: the JVM makes a class for one over types, at every start.
            if (failure instanceof RuntimeException problem) {
                throw problem;
            } else if (failure instanceof Error problem) {
                throw problem;
            }
        }
    }

    private Runnable guarded(Runnable body) {
        return () -> {
            try {
                body.run();
            } catch (RuntimeException | Error problem) {
                failed(problem);
            }
        };
    }

    private void failed(Throwable problem) {
        synchronized (this) {
            boolean consequence = problem instanceof CancellationException;
            if (failure == null || (failure instanceof CancellationException && !consequence)) {
                failure = problem;
            }
        }
        stop.run();
    }
}
