package dev.gaur.format.qcow2;

import dev.gaur.block.BlockException;
import dev.gaur.format.CacheUse;
import java.util.Arrays;
import java.util.concurrent.atomic.AtomicLongArray;
import java.util.concurrent.atomic.AtomicReferenceArray;
import java.util.concurrent.atomic.LongAdder;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.LongSupplier;
import java.util.stream.LongStream;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Keeps slices of tables in memory, found by number. A hit is two loads from arrays: no lock, no
 * hash, no object; of a slice that is data in one piece the second load tells already where, so
 * that large images, whose slices do not fit in the processor's caches, take one miss there and not
 * three. A miss of ours loads one slice, or a few neighbours if told so, while it holds the lock of
 * their stripe, so it delays nobody who hits and hardly anybody who misses elsewhere. Over the byte
 * bound the slices go that were not used for longest, by a second-chance clock; and those that
 * nobody used for an interval, which is looked at where a request waits anyway, every few thousand
 * hits, and whenever somebody calls {@link #cleanIfDue}.
 *
 * <p>Locks: stripe before clock. The clock lock guards everything that changes, and is held for
 * memory accesses only.
 *
 * <p>Slices are immutable. Changing a table means to put another slice in the place of the old one
 * under the stripe's lock; who still holds the old one has read before the change.
 */
final class TableCache {
    /** Loads a slice that is not in memory. */
    @FunctionalInterface
    interface Loader {
        /** Loads slice {@code number}; may block, and fail with a {@code BlockException}. */
        TableSlice load(long number);

        /** Loads slices that are neighbours within a table; the same, but with fewer reads. */
        default TableSlice[] load(long first, int count) {
            TableSlice[] slices = new TableSlice[count];
            Arrays.setAll(slices, index -> load(first + index));
            return slices;
        }
    }

    private static final int GROUP_BITS = 9;
    private static final int GROUP_SIZE = 1 << GROUP_BITS;
    private static final int GROUP_BYTES = 48 + GROUP_SIZE * (Integer.BYTES + Long.BYTES);

    /** Bit of a place in a group: it was used since the clock's hand passed. */
    private static final long USED = 1;

    /** What the cache itself needs for a slice: its place in the clock. */
    private static final long PLACE_BYTES = Long.BYTES;

    private static final int STRIPES = 64;

    /** What each cache may have however many there are: some hundred slices. */
    private static final long SHARE_MIN = 1L << 20;

    /**
     * Threads seldom share a counter, so hits are counted without atomic additions, which would
     * cost as much as all else that a hit does.
     */
    private static final int HIT_COUNTERS = 16;

    /** Longs between two counters: two cache lines. */
    private static final int HIT_STRIDE = 16;

    /** So many hits of one counter, less one, are not worth a look at the time. */
    private static final long HITS_UNTIMED = (1 << 12) - 1;

    /**
     * Slices of neighbouring numbers; null where none is in memory. The group itself is the array
     * of their {@linkplain TableSlice#place places}, 0 where there is none to tell.
     */
    private static final class Group extends AtomicLongArray {
        private static final long serialVersionUID = 1;

        private final transient AtomicReferenceArray<@Nullable TableSlice> slices =
                new AtomicReferenceArray<>(GROUP_SIZE);

        Group() {
            super(GROUP_SIZE);
        }

        @Nullable TableSlice slice(int index) {
            return slices.getAcquire(index);
        }

        void put(int index, TableSlice slice) {
            set(index, 0); // Who has seen the new slice must not be told the old place any more.
            slices.setRelease(index, slice);
            setRelease(index, slice.place());
        }

        void remove(int index) {
            set(index, 0); // An atomic step: markUsed must not bring the old place back.
            slices.setRelease(index, null);
        }

        /** Returns the place of a slice that is data in one piece, else 0. */
        long place(int index) {
            long place = getAcquire(index);
            if (place != 0 && (place & USED) == 0) {
                weakCompareAndSetVolatile(index, place, place | USED);
            }
            return place & ~USED;
        }

        /** Tells whether a slice was used since the last call. */
        boolean clearUsed(int index, TableSlice slice) {
            long place = getPlain(index);
            boolean used = (place & USED) != 0;
            if (used) {
                set(index, place & ~USED);
            }
            return slice.clearUsed() || used;
        }

        boolean isEmpty() {
            for (int i = 0; i < GROUP_SIZE; i++) {
                if (slices.getPlain(i) != null) {
                    return false;
                }
            }
            return true;
        }
    }

    private final AtomicReferenceArray<@Nullable Group> groups;
    private final Loader loader;
    private final long bytesMax;
    private final int loadBits;
    private final long cleanNanos;
    private TableBudget budget; // guarded by clock
    private final LongSupplier time;
    private volatile long cleaned;
    private final ReentrantLock[] stripes =
            Stream.generate(ReentrantLock::new).limit(STRIPES).toArray(ReentrantLock[]::new);
    private final long[] hits = new long[HIT_COUNTERS * HIT_STRIDE];
    private final LongAdder misses = new LongAdder();
    private final LongAdder loads = new LongAdder();
    private final LongAdder evictions = new LongAdder();

    private volatile CacheUse earlier = new CacheUse(0, 0, 0, 0, 0, 0);

    private final ReentrantLock clock = new ReentrantLock();
    private final LongFifo ring = new LongFifo();
    private volatile long bytes;

    /**
     * @param slices how many there are; at most 2^31
     * @param bytesMax bound for the memory in use; what is in use by requests comes on top
     */
    TableCache(long slices, long bytesMax, Loader loader) {
        this(slices, new CacheSizes(bytesMax, 0, 0), 0, loader, () -> 0);
    }

    /**
     * @param slices how many there are; at most 2^31
     * @param sizes bound for the memory in use; what is in use by requests comes on top; and how
     *     long a slice stays that nobody uses
     * @param loadBits {@code 1 << loadBits} slices are loaded at once
     * @param time in nanoseconds
     */
    TableCache(long slices, CacheSizes sizes, int loadBits, Loader loader, LongSupplier time) {
        this.loadBits = loadBits;
        this.budget = sizes.budget();
        this.cleanNanos = sizes.cleanNanos();
        this.time = time;
        this.cleaned = time.getAsLong();
        this.groups =
                new AtomicReferenceArray<>(
                        Math.toIntExact((slices + GROUP_SIZE - 1) >>> GROUP_BITS));
        this.bytesMax = sizes.tableBytes();
        this.loader = loader;
    }

    /** Returns a slice, loading it if need be. */
    TableSlice get(long number) {
        TableSlice slice = find(number);
        if (slice == null) {
            return load(number);
        }
        countHit();
        return slice;
    }

    /** Returns a slice if it is in memory. Never blocks. */
    @Nullable TableSlice getIfPresent(long number) {
        TableSlice slice = find(number);
        if (slice != null) {
            countHit();
        }
        return slice;
    }

    /**
     * Tells where a slice that is data in one piece lies, if it is in memory. Never blocks.
     *
     * @return the host offset of its first cluster, or 0
     */
    long placeIfPresent(long number) {
        Group group = groups.getAcquire((int) (number >>> GROUP_BITS));
        long place = group == null ? 0 : group.place(indexInGroup(number));
        if (place != 0) {
            countHit();
        }
        return place;
    }

    private void countHit() {
        int at = ((int) Thread.currentThread().threadId() & HIT_COUNTERS - 1) * HIT_STRIDE;
        if ((++hits[at] & HITS_UNTIMED) == 0) {
            cleanIfDue();
        }
    }

    private @Nullable TableSlice find(long number) {
        Group group = groups.getAcquire((int) (number >>> GROUP_BITS));
        if (group == null) {
            return null;
        }
        TableSlice slice = group.slice(indexInGroup(number));
        if (slice != null) {
            slice.markUsed();
        }
        return slice;
    }

    private static int indexInGroup(long number) {
        return (int) number & (GROUP_SIZE - 1);
    }

    /**
     * Gives up slices that were not used since the last time, if that is long enough ago. Costs a
     * look at the time if it is not. Waits for nobody's I/O.
     */
    void cleanIfDue() {
        if (cleanNanos == 0 || time.getAsLong() - cleaned < cleanNanos) {
            return;
        }
        clock.lock();
        try {
            long now = time.getAsLong();
            if (now - cleaned >= cleanNanos) {
                cleaned = now;
                for (int left = ring.size(); left > 0; left--) {
                    turn(true);
                }
            }
        } finally {
            clock.unlock();
        }
    }

    /** The lock of all slices that are loaded along with one. */
    private ReentrantLock stripe(long number) {
        return stripes[(int) (number >>> loadBits) & (STRIPES - 1)];
    }

    private TableSlice load(long number) {
        cleanIfDue();
        misses.increment();
        ReentrantLock stripe = stripe(number);
        stripe.lock();
        try {
            TableSlice present = find(number);
            if (present != null) {
                return present; // Another thread has loaded it meanwhile.
            }
            TableSlice slice = loadBits == 0 ? loader.load(number) : loadAround(number);
            loads.increment();
            keep(number, slice);
            return slice;
        } finally {
            stripe.unlock();
        }
    }

    /** Loads a slice, and keeps the others that come with it. */
    private TableSlice loadAround(long number) {
        long first = number >>> loadBits << loadBits;
        TableSlice[] slices;
        try {
            slices = loader.load(first, 1 << loadBits);
        } catch (BlockException _) {
            return loader.load(number); // What nobody asked for cannot fail who did.
        }
        for (int i = 0; i < slices.length; i++) {
            boolean other = first + i != number && slices[i] != TableSlice.EMPTY;
            if (other && find(first + i) == null) { // What is there may be newer.
                keep(first + i, slices[i]);
            }
        }
        return slices[(int) (number - first)];
    }

    /** Puts another slice in the place of one, in memory or not. */
    void replace(long number, TableSlice slice) {
        ReentrantLock stripe = stripe(number);
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
            TableSlice old = group == null ? null : group.slice(indexInGroup(number));
            if (group == null || old == null) {
                return false;
            }
            slice.markUsed();
            group.put(indexInGroup(number), slice);
            grow(memory(slice) - memory(old));
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
            group.put(indexInGroup(number), slice);
            ring.add(number);
            grow(added);
            // A slice gets at most one second chance for each slice there is, however fast it
            // is used again.
            int chances = ring.size();
            while (isOverBound() && ring.size() > 0) {
                chances -= turn(chances > 0) ? 0 : 1;
            }
        } finally {
            clock.unlock();
        }
    }

    private void grow(long more) {
        bytes += more;
        budget.add(more);
    }

    /** Who shares memory gives up its own if there is too much, but for a little. */
    private boolean isOverBound() {
        return bytes > bytesMax || (bytes > SHARE_MIN && budget.isExceeded());
    }

    /** Goes on counting where a cache stopped that nobody uses any longer. */
    void continueFrom(TableCache before) {
        before.leaveBudget();
        earlier = before.use();
    }

    /** Counts no more in what is shared: nobody uses this cache any longer. */
    void leaveBudget() {
        clock.lock();
        try {
            budget.add(-bytes);
            budget = TableBudget.NONE;
        } finally {
            clock.unlock();
        }
    }

    /** About what a cache takes that has so many slices of neighbouring numbers. */
    static long bytesFor(long slices, long memoryOfEach) {
        long groups = Math.ceilDiv(slices, GROUP_SIZE);
        return slices * (PLACE_BYTES + memoryOfEach) + groups * GROUP_BYTES;
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
        int index = indexInGroup(number);
        TableSlice slice = group == null ? null : group.slice(index);
        if (group == null || slice == null) {
            throw new AssertionError("slice " + number + " is in the ring but not in its group");
        }
        if (group.clearUsed(index, slice) && mercy) {
            ring.add(number);
            return false;
        }
        group.remove(index);
        grow(-memory(slice));
        evictions.increment();
        if (group.isEmpty()) {
            groups.setRelease(groupIndex, null);
            grow(-GROUP_BYTES);
        }
        return true;
    }

    /** Returns the counters: hits are a few less than there were if threads met. */
    CacheUse use() {
        CacheUse before = earlier;
        return new CacheUse(
                before.hits() + LongStream.of(hits).sum(),
                before.misses() + misses.sum(),
                before.loads() + loads.sum(),
                before.evictions() + evictions.sum(),
                bytes,
                bytesMax);
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
