package dev.gaur.sync;

import org.jspecify.annotations.Nullable;

/**
 * Exclusive claims on ranges: who claims a range that overlaps an earlier claim waits for that to
 * end. First come, first served; claims that do not overlap never wait. One thread holds one claim
 * at a time, or it may wait for itself. Made for some dozens of claims at once.
 */
public final class RangeLock {
    private @Nullable Claim first;
    private @Nullable Claim last;

    /** A claim; closing ends it. */
    public final class Claim implements AutoCloseable {
        private final long from;
        private final long end;
        private @Nullable Claim previous;
        private @Nullable Claim next;

        private Claim(long from, long end) {
            this.from = from;
            this.end = end;
        }

        private boolean isBlocked() {
            for (Claim other = previous; other != null; other = other.previous) {
                if (from < other.end && other.from < end) {
                    return true;
                }
            }
            return false;
        }

        @Override
        public void close() {
            remove(this);
        }
    }

    /** Waits until nobody else has any of the range. An interrupt is kept for later. */
    public synchronized Claim claim(long from, long length) {
        Claim claim = new Claim(from, from + length);
        Claim tail = last;
        claim.previous = tail;
        if (tail == null) {
            first = claim;
        } else {
            tail.next = claim;
        }
        last = claim;
        boolean interrupted = false;
        while (claim.isBlocked()) {
            try {
                wait();
            } catch (InterruptedException _) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
        return claim;
    }

    private synchronized void remove(Claim claim) {
        Claim before = claim.previous;
        Claim after = claim.next;
        if (before == null) {
            first = after;
        } else {
            before.next = after;
        }
        if (after == null) {
            last = before;
        } else {
            after.previous = before;
        }
        if (first != null) {
            notifyAll();
        }
    }
}
