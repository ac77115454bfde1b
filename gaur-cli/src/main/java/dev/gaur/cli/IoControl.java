package dev.gaur.cli;

import dev.gaur.block.BlockException;
import dev.gaur.ffi.Posix;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/** Commands of {@code gaur io} that are about time, breakpoints and the end of the process. */
final class IoControl {
    private static final int SIGABRT = 6;
    private static final int SIGNAL_MAX = 64;

    private IoControl() {}

    static void flush(IoShell shell, IoVerb verb, List<String> words) {
        try {
            shell.disk().flush();
        } catch (BlockException _) {
            throw IoFailure.told(""); // Only the exit code tells, as with qemu-io.
        }
    }

    static void pause(IoShell shell, IoVerb verb, List<String> words) {
        Long millis = IoReport.cNumber(words.get(1));
        if (millis == null) {
            throw IoFailure.told(words.get(1) + " is not a valid number");
        }
        try {
            CountDownLatch never = new CountDownLatch(1);
            boolean unused = never.await(millis, TimeUnit.MILLISECONDS);
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
        }
        shell.printFinished();
    }

    /** Dies as abort(3) does: what was not printed is lost. */
    static void abort(IoShell shell, IoVerb verb, List<String> words) {
        raise(SIGABRT);
    }

    static void raise(IoShell shell, IoVerb verb, List<String> words) {
        long signal = IoReport.number(words.get(1));
        if (signal > SIGNAL_MAX) {
            throw IoFailure.told(
                    "signal argument '" + words.get(1) + "' is too large to be a valid signal");
        }
        raise((int) signal);
    }

    private static void raise(int signal) {
        if (!Posix.isAvailable()) {
            throw IoFailure.complained("signals need native access");
        }
        Posix.raise(signal);
    }

    static void setBreak(IoShell shell, IoVerb verb, List<String> words) {
        String event = words.get(1);
        String tag = words.get(2);
        boolean set = shell.disk().breakpoints().map(all -> all.set(event, tag)).orElse(false);
        if (!set) {
            throw IoFailure.told("Could not set breakpoint: " + missing(shell));
        }
    }

    static void removeBreak(IoShell shell, IoVerb verb, List<String> words) {
        String tag = words.get(1);
        boolean removed = shell.disk().breakpoints().map(all -> all.remove(tag)).orElse(false);
        shell.printFinished();
        if (!removed) {
            throw IoFailure.told("Could not remove breakpoint " + tag + ": " + missing(shell));
        }
    }

    static void resume(IoShell shell, IoVerb verb, List<String> words) {
        String tag = words.get(1);
        boolean resumed = shell.disk().breakpoints().map(all -> all.resume(tag)).orElse(false);
        shell.printFinished();
        if (!resumed) {
            throw IoFailure.told("Could not resume request: " + missing(shell));
        }
    }

    private static String missing(IoShell shell) {
        return shell.disk().breakpoints().isPresent()
                ? "No such file or directory"
                : "Operation not supported";
    }

    /** Waits until a request has come to a breakpoint; for ever if none does. */
    static void waitBreak(IoShell shell, IoVerb verb, List<String> words) {
        shell.disk().breakpoints().ifPresent(all -> all.await(words.get(1)));
        shell.printFinished();
    }
}
