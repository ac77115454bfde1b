package dev.gaur.testkit;

import dev.gaur.block.StorageNode;
import java.util.ArrayList;
import java.util.List;

/**
 * A machine that may lose its power at any moment. Its {@linkplain CrashDisk disks} record all that
 * is done to them; a {@link CrashReplay} then tells, for every moment of the run, what could be
 * found on them had the power failed there. So a test runs its work once and looks at thousands of
 * crashes.
 *
 * <p>What may be lost: each sector of {@value #SECTOR} bytes, each for itself, and each change of a
 * length, until a flush of that disk returned that began after the change; a write that asked to be
 * stable may be lost until it returned. A sector never holds a mixture of two changes, and never
 * one that came before another of the same sector that is there.
 *
 * <p>Safe for many threads; one lock, held while bytes are copied.
 */
public final class CrashMachine {
    /** What survives as a whole. */
    public static final int SECTOR = 512;

    /** What reads of a discarded range return; the contract leaves it open. */
    public enum Discards {
        /** Zeros, as a hole in a file. */
        ZERO,
        /** What was there, as a file system without holes. */
        KEEP,
        /** Bytes that nobody wrote: who trusts them is caught. */
        GARBAGE
    }

    /** One thing that happened to a disk. */
    sealed interface Event {
        /** The number of the disk. */
        int disk();

        /** Sectors got new bytes, and the disk perhaps a new length. */
        record Change(int disk, long[] sectors, byte[][] bytes, long length) implements Event {}

        /** A change that asked to be stable is. */
        record Stable(int disk, int change) implements Event {}

        /** A flush returned: events of the disk before {@code begun} are stable. */
        record Flushed(int disk, int begun) implements Event {}
    }

    private final Discards discards;
    private final List<CrashDisk> disks = new ArrayList<>();
    private final List<Event> events = new ArrayList<>(); // guarded by this

    /** A machine without disks. */
    public CrashMachine(Discards discards) {
        this.discards = discards;
    }

    /** Adds a disk with a copy of what {@code content} has, all of it stable. */
    public CrashDisk disk(StorageNode content) {
        CrashDisk disk = new CrashDisk(this, disks.size(), content);
        disks.add(disk);
        return disk;
    }

    /** Returns how many events there were: a moment in the machine's life. */
    public synchronized int position() {
        return events.size();
    }

    /** Starts to look at the crashes of all that happened until now. */
    public synchronized CrashReplay replay() {
        return new CrashReplay(disks, List.copyOf(events));
    }

    Discards discards() {
        return discards;
    }

    /** Notes an event; returns its number. The caller holds the lock. */
    int add(Event event) {
        events.add(event);
        return events.size() - 1;
    }
}
