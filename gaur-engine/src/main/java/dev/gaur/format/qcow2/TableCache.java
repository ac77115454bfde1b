package dev.gaur.format.qcow2;

import java.util.concurrent.atomic.AtomicReferenceArray;
import java.util.concurrent.atomic.LongAdder;
import java.util.concurrent.locks.ReentrantLock;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Keeps slices of tables in memory, found by number. A hit is two loads from arrays: no lock, no
 * hash, no object. A miss loads one slice while it holds the lock of that slice's stripe, so it
 * delays nobody who hits and hardly anybody who misses elsewhere. Over the byte bound the slices go
 * that were not used for longest, by a second-chance clock.
 *
 * <p>Locks: stripe before clock. The clock lock guards everything that changes, and is held for
 * memory accesses only.
 *
 * <p>Slices are immutable. Changing a table will mean to put another slice in the place of the old
 * one under the stripe's lock; who still holds the old one has read before the change.
 */
final class TableCache {
    /** Loads a slice that is not in memory. */
    @FunctionalInterface
    interface Loader {
        /** Loads slice {@code number}; may block, and fail with a {@code BlockException}. */
        TableSlice load(long number);
    }

    /**
     * What happened so far.
     *
     * @param hits lookups answered from memory
     * @param loads lookups that loaded a slice
     * @param evictions slices given up for others
     * @param bytes memory in use now
     */
    record Statistics(long hits, long loads, long evictions, long bytes) {}

    /** A bound that takes images of any usual size whole: 32 MiB map 256 GiB at worst. */
    private static final long AUTO_BYTES_MIN = 32L << 20;

    private static final int AUTO_SHARE_OF_HEAP = 8;
    private static final int GROUP_BITS = 9;
    private static final int GROUP_SIZE = 1 << GROUP_BITS;
    private static final int GROUP_BYTES = 16 + GROUP_SIZE * Integer.BYTES;

    /** What the cache itself needs for a slice: its place in the clock. */
    private static final long PLACE_BYTES = Long.BYTES;

    private static final int STRIPES = 64;

    /** Slices of neighbouring numbers; null where none is in memory. */
    private static final class Group extends AtomicReferenceArray<@Nullable TableSlice> {
        private static final long serialVersionUID = 1;

        Group() {
            super(GROUP_SIZE);
        }

        boolean isEmpty() {
            for (int i = 0; i < GROUP_SIZE; i++) {
                if (getPlain(i) != null) {
                    return false;
                }
            }
            return true;
        }
    }

    private final AtomicReferenceArray<@Nullable Group> groups;
    private final Loader loader;
    private final long bytesMax;
    private final ReentrantLock[] stripes =
            Stream.generate(ReentrantLock::new).limit(STRIPES).toArray(ReentrantLock[]::new);
    private final LongAdder hits = new LongAdder();
    private final LongAdder loads = new LongAdder();
    private final LongAdder evictions = new LongAdder();

    private final ReentrantLock clock = new ReentrantLock();
    private final LongFifo ring = new LongFifo();
    private volatile long bytes;

    /**
     * @param slices how many there are; at most 2^31
     * @param bytesMax bound for the memory in use; what is in use by requests comes on top
     */
    TableCache(long slices, long bytesMax, Loader loader) {
        this.groups =
                new AtomicReferenceArray<>(
                        Math.toIntExact((slices + GROUP_SIZE - 1) >>> GROUP_BITS));
        this.bytesMax = bytesMax;
        this.loader = loader;
    }

    /** The bound for a cache that sizes itself: an eighth of the heap, but at least 32 MiB. */
    static long autoBytes() {
        return Math.max(AUTO_BYTES_MIN, Runtime.getRuntime().maxMemory() / AUTO_SHARE_OF_HEAP);
    }

    /** Returns a slice, loading it if need be. */
    TableSlice get(long number) {
        TableSlice slice = find(number);
        if (slice == null) {
            return load(number);
        }
        hits.increment();
        return slice;
    }

    /** Returns a slice if it is in memory. Never blocks. */
    @Nullable TableSlice getIfPresent(long number) {
        TableSlice slice = find(number);
        if (slice != null) {
            hits.increment();
        }
        return slice;
    }

    private @Nullable TableSlice find(long number) {
        Group group = groups.getAcquire((int) (number >>> GROUP_BITS));
        if (group == null) {
            return null;
        }
        TableSlice slice = group.getAcquire(indexInGroup(number));
        if (slice != null) {
            slice.markUsed();
        }
        return slice;
    }

    private static int indexInGroup(long number) {
        return (int) number & (GROUP_SIZE - 1);
    }

    private TableSlice load(long number) {
        ReentrantLock stripe = stripes[(int) number & (STRIPES - 1)];
        stripe.lock();
        try {
            TableSlice present = getIfPresent(number);
            if (present != null) {
                return present;
            }
            TableSlice slice = loader.load(number);
            loads.increment();
            keep(number, slice);
            return slice;
        } finally {
            stripe.unlock();
        }
    }

    /** Puts another slice in the place of one, in memory or not. */
    void replace(long number, TableSlice slice) {
        ReentrantLock stripe = stripes[(int) number & (STRIPES - 1)];
        stripe.lock();
        try {
            if (!swap(number, slice)) {
                keep(number, slice);
            }
        } finally {
            stripe.unlock();
        }
    }

    private boolean swap(long number, TableSlice slice) {
        clock.lock();
        try {
            Group group = groups.getPlain((int) (number >>> GROUP_BITS));
            TableSlice old = group == null ? null : group.getPlain(indexInGroup(number));
            if (group == null || old == null) {
                return false;
            }
            slice.markUsed();
            group.setRelease(indexInGroup(number), slice);
            bytes += memory(slice) - memory(old);
            return true;
        } finally {
            clock.unlock();
        }
    }

    private void keep(long number, TableSlice slice) {
        clock.lock();
        try {
            int groupIndex = (int) (number >>> GROUP_BITS);
            Group group = groups.getPlain(groupIndex);
            long added = memory(slice);
            if (group == null) {
                group = new Group();
                groups.setRelease(groupIndex, group);
                added += GROUP_BYTES;
            }
            group.setRelease(indexInGroup(number), slice);
            ring.add(number);
            bytes += added;
            // A slice gets at most one second chance for each slice there is, however fast it
            // is used again.
            int chances = ring.size();
            while (bytes > bytesMax && ring.size() > 0) {
                chances -= turn(chances > 0) ? 0 : 1;
            }
        } finally {
            clock.unlock();
        }
    }

    /** Shared slices count as nothing but their place. */
    private static long memory(TableSlice slice) {
        return PLACE_BYTES + (slice == TableSlice.EMPTY ? 0 : slice.memory());
    }

    /** Moves the clock's hand by one slice, and gives it up unless it was used. */
    private boolean turn(boolean mercy) {
        long number = ring.remove();
        int groupIndex = (int) (number >>> GROUP_BITS);
        Group group = groups.getPlain(groupIndex);
        TableSlice slice = group == null ? null : group.getPlain(indexInGroup(number));
        if (group == null || slice == null) {
            throw new AssertionError("slice " + number + " is in the ring but not in its group");
        }
        if (slice.clearUsed() && mercy) {
            ring.add(number);
            return false;
        }
        group.setRelease(indexInGroup(number), null);
        bytes -= memory(slice);
        evictions.increment();
        if (group.isEmpty()) {
            groups.setRelease(groupIndex, null);
            bytes -= GROUP_BYTES;
        }
        return true;
    }

    /** Returns the counters; not a snapshot of one moment. */
    Statistics statistics() {
        return new Statistics(hits.sum(), loads.sum(), evictions.sum(), bytes);
    }

    /** A queue of numbers without an object for each. */
    private static final class LongFifo {
        private long[] ring = new long[64];
        private int head;
        private int size;

        int size() {
            return size;
        }

        void add(long value) {
            if (size == ring.length) {
                long[] larger = new long[size * 2];
                System.arraycopy(ring, head, larger, 0, size - head);
                System.arraycopy(ring, 0, larger, size - head, head);
                ring = larger;
                head = 0;
            }
            ring[(head + size++) & (ring.length - 1)] = value;
        }

        long remove() {
            long value = ring[head];
            head = (head + 1) & (ring.length - 1);
            size--;
            return value;
        }
    }
}
