package dev.gaur.sync;

import org.jspecify.annotations.Nullable;

/**
 * Exclusive claims on ranges: who claims a range that overlaps an earlier claim waits for that to
 * end. First come, first served; claims that do not overlap never wait. Who has a claim waits for
 * no other one, or he may wait for himself. Made for some dozens of claims at once.
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
        append(claim);
        boolean interrupted = false;
        while (claim.isBlocked()) {
            interrupted |= Waiting.on(this);
        }
        Waiting.keep(interrupted);
        return claim;
    }

    /**
     * Claims a range that nobody has or waits for, else returns null. So whoever has another claim
     * may have this one, too: he never waits for it, and others get theirs when he ends both.
     */
    public synchronized @Nullable Claim tryClaim(long from, long length) {
        Claim claim = new Claim(from, from + length);
        claim.previous = last;
        if (claim.isBlocked()) {
            return null;
        }
        append(claim);
        return claim;
    }

    private void append(Claim claim) {
        Claim tail = last;
        claim.previous = tail;
        if (tail == null) {
            first = claim;
        } else {
            tail.next = claim;
        }
        last = claim;
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
