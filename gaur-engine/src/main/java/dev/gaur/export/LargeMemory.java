package dev.gaur.export;

import dev.gaur.sync.Waiting;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.LinkedHashSet;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.TimeUnit;

/**
 * Bounds what large requests of a server hold, in mebibytes, and shares it out: each connection has
 * a part of it at most, whoever finds nothing left waits for his turn, and while somebody waits
 * those are given up that hold some and whose clients have not moved for a while. Safe for use by
 * many threads.
 */
final class LargeMemory {
    /** How long one waits, and how long a client may stand still meanwhile. */
    record Limits(Duration patience, Duration stillness) {
        /** A guest gives up after 30 seconds; who waits outlasts all that stood still before. */
        static final Limits DEFAULT = new Limits(Duration.ofSeconds(25), Duration.ofSeconds(10));
    }

    private final int share;
    private final Limits limits;
    private final Set<Member> holders = new LinkedHashSet<>();
    private final Queue<Member> waiting = new ArrayDeque<>();
    private int left;
    private int out;

    /** Whoever comes to wait meanwhile has none given up sooner. */
    private long nextLook = System.nanoTime();

    /**
     * @param share of one connection; the largest request is not larger
     */
    LargeMemory(int total, int share, Limits limits) {
        this.left = total;
        this.share = share;
        this.limits = limits;
    }

    /** One connection, of which one thread at a time takes. */
    final class Member {
        private final Progress progress;
        private final Runnable giveUp;
        private int held;
        private long mark = Progress.NOT_WAITING;

        /**
         * @param giveUp ends the connection; must not wait
         */
        Member(Progress progress, Runnable giveUp) {
            this.progress = progress;
            this.giveUp = giveUp;
        }

        /** Takes some if nobody waits for it. */
        boolean tryTake(int mebibytes) {
            synchronized (LargeMemory.this) {
                return waiting.isEmpty() && hasShare(mebibytes) && takeNow(mebibytes);
            }
        }

        /**
         * Waits, without end as long as it is the connection's own share that is used up.
         *
         * @return false if others keep too much for too long
         */
        boolean take(int mebibytes) {
            synchronized (LargeMemory.this) {
                boolean interrupted = false;
                while (!hasShare(mebibytes)) {
                    interrupted |= pause(0);
                }
                interrupted |= queue(this, mebibytes);
                boolean taken = waiting.peek() == this && takeNow(mebibytes);
                waiting.remove(this);
                LargeMemory.this.notifyAll(); // It is the next one's turn.
                Waiting.keep(interrupted);
                return taken;
            }
        }

        /** Notes where the client is; returns whether it has to move and has not since then. */
        private boolean mark() {
            long before = mark;
            mark = progress.mark();
            return mark != Progress.NOT_WAITING && mark == before;
        }

        private boolean hasShare(int mebibytes) {
            return held == 0 || held + mebibytes <= share;
        }

        private boolean takeNow(int mebibytes) {
            if (mebibytes > left) {
                return false;
            }
            left -= mebibytes;
            out += mebibytes;
            held += mebibytes;
            holders.add(this);
            return true;
        }

        /** Gives some back. */
        void give(int mebibytes) {
            synchronized (LargeMemory.this) {
                left += mebibytes;
                out -= mebibytes;
                held -= mebibytes;
                if (held == 0) {
                    holders.remove(this);
                    mark = Progress.NOT_WAITING;
                }
                LargeMemory.this.notifyAll();
            }
        }
    }

    /** Waits in the queue until there is enough for its first one, or for too long. */
    private boolean queue(Member member, int mebibytes) {
        boolean interrupted = false;
        long now = System.nanoTime();
        long end = now + limits.patience().toNanos();
        if (waiting.isEmpty() && now - nextLook >= 0) {
            holders.forEach(Member::mark);
            nextLook = now + limits.stillness().toNanos();
        }
        waiting.add(member);
        while (!(waiting.peek() == member && mebibytes <= left) && now - end < 0) {
            if (now - nextLook >= 0) {
                look();
                nextLook = now + limits.stillness().toNanos();
            }
            interrupted |= pause(Math.max(1, Math.min(end - now, nextLook - now)));
            now = System.nanoTime();
        }
        return interrupted;
    }

    /**
     * Waits until something is given back or it is somebody else's turn.
     *
     * @param nanos for that long at most, if not 0
     * @return whether the thread was interrupted
     */
    private synchronized boolean pause(long nanos) {
        return Waiting.on(this, nanos == 0 ? 0 : TimeUnit.NANOSECONDS.toMillis(nanos) + 1);
    }

    /** Gives up those whose clients have not moved since it was called before. */
    synchronized void look() {
        for (Member each : holders) {
            if (each.mark()) {
                each.giveUp.run();
            }
        }
    }

    /** Tells how many mebibytes are out. */
    synchronized int out() {
        return out;
    }
}
