package dev.gaur.format.qcow2;

import org.jspecify.annotations.Nullable;

/** Cached clusters in the order in which they came. For one thread at a time. */
final class CowQueue {
    private @Nullable CachedCluster oldest;
    private @Nullable CachedCluster newest;

    /** The one that came first. */
    @Nullable CachedCluster oldest() {
        return oldest;
    }

    /** Appends one that is in no queue. */
    void add(CachedCluster added) {
        CachedCluster before = newest;
        added.queue = this;
        added.older = before;
        added.newer = null;
        newest = added;
        if (before == null) {
            oldest = added;
        } else {
            before.newer = added;
        }
    }

    /** Takes one out of the queue that it is in, if any. */
    static void remove(CachedCluster removed) {
        CowQueue queue = removed.queue;
        if (queue == null) {
            return;
        }
        CachedCluster before = removed.older;
        CachedCluster after = removed.newer;
        if (before == null) {
            queue.oldest = after;
        } else {
            before.newer = after;
        }
        if (after == null) {
            queue.newest = before;
        } else {
            after.older = before;
        }
        removed.queue = null;
        removed.older = null;
        removed.newer = null;
    }
}
