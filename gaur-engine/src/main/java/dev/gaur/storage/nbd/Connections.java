package dev.gaur.storage.nbd;

import dev.gaur.nbd.Nbd;
import java.io.IOException;
import java.nio.channels.AsynchronousCloseException;
import java.time.Duration;
import java.util.Arrays;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * The sessions of one client: one, and more when all are busy and the server allows it. Brings
 * broken ones back. Safe for use by many threads.
 */
final class Connections {
    private static final long FIRST_PAUSE_NANOS = TimeUnit.MILLISECONDS.toNanos(20);
    private static final long PAUSE_NANOS_MAX = TimeUnit.SECONDS.toNanos(1);

    private final Dialer dialer;
    private final ExportInfo export;
    private final ReentrantLock connecting = new ReentrantLock();
    private final Condition closing = connecting.newCondition();
    private volatile Session[] sessions; // the rest is guarded by connecting
    private int most;
    private boolean closed;

    /** Connects; tries again for as long as the options say. */
    Connections(Dialer dialer) throws IOException {
        this.dialer = dialer;
        this.sessions = new Session[] {};
        long end = System.nanoTime() + nanos(dialer.options().openTimeout());
        Session first = tryConnect(end);
        this.export = first.agreed().export();
        this.sessions = new Session[] {first};
        this.most = export.has(Nbd.CAN_MULTI_CONN) ? dialer.options().connections() : 1;
    }

    private static long nanos(Duration duration) {
        return Math.min(duration.toNanos(), Long.MAX_VALUE / 4);
    }

    ExportInfo export() {
        return export;
    }

    /**
     * Returns the session that has least to do.
     *
     * @param end until when, on the system's clock, to try to bring back what is broken
     * @throws IOException if there is none
     */
    Session pick(long end) throws IOException {
        Session[] all = sessions;
        Session best = null;
        int least = Integer.MAX_VALUE;
        for (Session each : all) {
            int load = each.isBroken() ? Integer.MAX_VALUE : each.load();
            if (load < least) {
                best = each;
                least = load;
            }
        }
        if (best == null) {
            return reconnect(end);
        }
        return least == 0 || all.length >= most ? best : another(best);
    }

    /** Makes one more session, unless somebody is making one. */
    private Session another(Session otherwise) {
        if (!connecting.tryLock()) {
            return otherwise;
        }
        try {
            if (closed || sessions.length >= most) {
                return otherwise;
            }
            Session more = connect();
            keep(more);
            return more;
        } catch (IOException _) {
            most = sessions.length; // It has no room for more; these will do.
            return otherwise;
        } finally {
            connecting.unlock();
        }
    }

    private void keep(Session session) {
        Session[] old = sessions;
        int count = 0;
        Session[] all = new Session[old.length + 1];
        for (Session each : old) {
            if (!each.isBroken()) {
                all[count++] = each;
            }
        }
        all[count++] = session;
        sessions = Arrays.copyOf(all, count);
    }

    private Session reconnect(long end) throws IOException {
        connecting.lock();
        try {
            for (Session each : sessions) {
                if (!each.isBroken()) {
                    return each; // Somebody was faster.
                }
            }
            IOException why = sessions[sessions.length - 1].ending();
            if (dialer.options().reconnectDelay().isZero() && !isOurDoing(why)) {
                throw why; // What the server has not flushed may be gone: nobody shall go on.
            }
            Session again = tryConnect(end);
            keep(again);
            return again;
        } finally {
            connecting.unlock();
        }
    }

    /** Java closes a channel when a thread that uses it is interrupted; the server is there. */
    static boolean isOurDoing(Throwable broken) {
        for (Throwable each = broken; each != null; each = each.getCause()) {
            if (each instanceof AsynchronousCloseException) {
                return true;
            }
        }
        return false;
    }

    /** Tries to connect, again and again until {@code end}, but once at least. */
    private Session tryConnect(long end) throws IOException {
        long pause = FIRST_PAUSE_NANOS;
        connecting.lock();
        try {
            while (true) {
                if (closed) {
                    throw new IOException("is closed");
                }
                try {
                    return connect();
                } catch (Refusal | Violation answer) {
                    throw answer;
                } catch (IOException failure) {
                    if (System.nanoTime() - end >= 0) {
                        throw failure;
                    }
                }
                pause(Math.min(pause, end - System.nanoTime()));
                pause = Math.min(PAUSE_NANOS_MAX, 2 * pause);
            }
        } finally {
            connecting.unlock();
        }
    }

    private void pause(long nanos) {
        try {
            closing.awaitNanos(nanos);
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
        }
    }

    private Session connect() throws IOException {
        Session session = dialer.connect();
        @Nullable ExportInfo before = sessions.length == 0 ? null : export;
        ExportInfo now = session.agreed().export();
        boolean same =
                before == null
                        || (now.size() == before.size()
                                && now.has(before.flags() & ~Nbd.READ_ONLY)
                                && now.isReadOnly() == before.isReadOnly()
                                && now.minimumBlock() <= before.minimumBlock()
                                && now.maximumBlock() >= before.maximumBlock()
                                && now.contexts().containsAll(before.contexts())
                                && now.replies() == before.replies());
        if (!same) {
            Refusal why = new Refusal("the export is not the same any more");
            session.close(why);
            throw why;
        }
        return session;
    }

    /** Ends all; requests fail from now on. */
    void close(IOException why) {
        for (Session each : sessions) { // Wakes who has the lock, too, if it waits for an answer.
            each.close(why);
        }
        connecting.lock();
        try {
            closed = true;
            most = 0;
            closing.signalAll();
            for (Session each : sessions) {
                each.close(why);
            }
        } finally {
            connecting.unlock();
        }
    }
}
