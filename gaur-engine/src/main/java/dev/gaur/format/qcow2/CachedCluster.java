package dev.gaur.format.qcow2;

import java.lang.foreign.MemorySegment;
import java.util.concurrent.locks.ReentrantLock;
import java.util.concurrent.locks.StampedLock;
import org.jspecify.annotations.Nullable;

/**
 * A cluster of the disk of which bytes are in memory and not in the file: they are what the guest
 * sees, whatever lies below. It ends when they are in the file, or are wanted no more; what then
 * reads or writes finds it gone.
 *
 * <p>Locks: {@link #turn} is held by who changes it or brings it to the file, perhaps for long;
 * {@link #bytes} only while bytes are copied, so that readers never wait for the file. Claims are
 * taken after {@link #turn}; several of these by who has none, in the order of the disk.
 */
final class CachedCluster {
    /** What was found by who reads or writes. */
    enum Found {
        /** The cluster has left the cache: look again, and then into the file. */
        GONE,
        /** Nothing is there of what is wanted. */
        NOTHING,
        /** Some of what is wanted is there. */
        SOME,
        /** All that is wanted is there, or was written. */
        ALL,
        /** What was written fills the cluster. */
        FILLED,
        /** What was written lies in many pieces. */
        SCATTERED
    }

    /** More ranges than this cost more than they save. */
    private static final int RANGES_MAX = 1024;

    private final long number;
    private final int slot;
    private final MemorySegment memory;
    private final long place;
    private final int length;
    private final long born;
    private final ReentrantLock turn = new ReentrantLock();
    private final StampedLock bytes = new StampedLock();
    private final ByteRanges present = new ByteRanges();
    private int firstBytes;
    private volatile boolean whole;
    private volatile boolean gone;

    /** The next one in the same row of the table. */
    volatile @Nullable CachedCluster nextInRow;

    /** Where the table lists it; for the table. */
    int index;

    /** The queue it waits in; for the cache, as are its neighbours there. */
    @Nullable CowQueue queue;

    @Nullable CachedCluster older;
    @Nullable CachedCluster newer;

    /**
     * @param number of the cluster in the disk
     * @param slot of the memory
     * @param memory that has room for it from {@code place} on
     * @param length of it that the disk has
     * @param born when, in nanoseconds
     */
    CachedCluster(long number, int slot, MemorySegment memory, long place, int length, long born) {
        this.number = number;
        this.slot = slot;
        this.memory = memory;
        this.place = place;
        this.length = length;
        this.born = born;
    }

    long number() {
        return number;
    }

    int slot() {
        return slot;
    }

    int length() {
        return length;
    }

    long born() {
        return born;
    }

    /** Whether all its bytes are there. */
    boolean isWhole() {
        return whole;
    }

    boolean isGone() {
        return gone;
    }

    /** Bytes of it and of those that lie behind it in memory. */
    MemorySegment memory(long count) {
        return memory.asSlice(place, count);
    }

    /** What is there; for who has its turn. */
    ByteRanges present() {
        return present;
    }

    /** How long the write was that made it. */
    int firstBytes() {
        return firstBytes;
    }

    // ---- turns

    void takeTurn() {
        turn.lock();
    }

    /** Takes its turn if nobody has it. */
    boolean tryTurn() {
        return turn.tryLock();
    }

    void endTurn() {
        turn.unlock();
    }

    // ---- bytes

    /** Lays bytes over what is there. */
    Found put(int offset, MemorySegment source, long from, int count) {
        turn.lock();
        try {
            if (gone) {
                return Found.GONE;
            }
            long stamp = bytes.writeLock();
            try {
                MemorySegment.copy(source, from, memory, place + offset, count);
                present.add(offset, offset + count);
            } finally {
                bytes.unlockWrite(stamp);
            }
            if (firstBytes == 0) {
                firstBytes = count;
            }
            if (!whole && present.covers(0, length)) {
                whole = true;
                return Found.FILLED;
            }
            return present.count() > RANGES_MAX ? Found.SCATTERED : Found.ALL;
        } finally {
            turn.unlock();
        }
    }

    /** Copies what is wanted if all of it is there. */
    Found get(int offset, MemorySegment target, long to, int count) {
        long stamp = bytes.readLock();
        try {
            if (gone) {
                return Found.GONE;
            }
            if (present.covers(offset, offset + count)) {
                MemorySegment.copy(memory, place + offset, target, to, count);
                return Found.ALL;
            }
            return present.touches(offset, offset + count) ? Found.SOME : Found.NOTHING;
        } finally {
            bytes.unlockRead(stamp);
        }
    }

    /** Whether only whole sectors are there. */
    boolean hasWholeSectors() {
        long stamp = bytes.readLock();
        try {
            return present.areAligned(Geometry.SECTOR, length);
        } finally {
            bytes.unlockRead(stamp);
        }
    }

    /** Whether all that is wanted is there. */
    boolean has(int offset, int count) {
        long stamp = bytes.readLock();
        try {
            return !gone && present.covers(offset, offset + count);
        } finally {
            bytes.unlockRead(stamp);
        }
    }

    /** Copies what is there of what is wanted over what was read from below; false if gone. */
    boolean lay(int offset, MemorySegment target, long to, int count) {
        long stamp = bytes.readLock();
        try {
            if (gone) {
                return false;
            }
            int end = offset + count;
            for (int at = present.next(offset); at >= 0 && at < end; at = present.next(at)) {
                int stop = Math.min(end, present.endOf(at));
                MemorySegment.copy(memory, place + at, target, to + at - offset, stop - at);
                at = stop;
            }
            return true;
        } finally {
            bytes.unlockRead(stamp);
        }
    }

    /** The units of it that have bytes: where they begin and end, neighbours as one. */
    ByteRanges units(int unit) {
        ByteRanges units = new ByteRanges();
        long stamp = bytes.readLock();
        try {
            for (int at = present.next(0); at >= 0; at = present.next(at)) {
                int end = present.endOf(at);
                units.add(at / unit * unit, Math.min(length, Math.ceilDiv(end, unit) * unit));
                at = end;
            }
        } finally {
            bytes.unlockRead(stamp);
        }
        return units;
    }

    /** Ends it: its memory may then be somebody else's. For who has its turn. */
    void end() {
        long stamp = bytes.writeLock();
        gone = true;
        bytes.unlockWrite(stamp);
    }
}
