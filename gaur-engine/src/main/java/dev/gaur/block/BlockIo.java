package dev.gaur.block;

import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/**
 * Reads and writes of a range of bytes: a file, an image, a device. Offsets and lengths are bytes;
 * every call blocks until it is done and may be made by many threads at once.
 *
 * <p>Requests lie within {@code [0, length())}. {@code BlockDevice} checks that once, for all that
 * comes from outside; nodes called with anything else may fail in any way that harms no data.
 * Buffers stay the caller's: a node does not touch them after it returned. Any segment is taken,
 * native ones are faster.
 *
 * <p>All calls throw {@link BlockException} when they fail. A failed read leaves undefined bytes in
 * the target; a failed write leaves old or new bytes in each sector.
 */
public interface BlockIo {
    /** Returns the size in bytes; need not be a multiple of anything. Never blocks. */
    long length();

    /** Fills {@code target} with what is visible from {@code offset} on. */
    void read(long offset, MemorySegment target);

    /**
     * Reads only if that needs no waiting: mapping and data are in memory.
     *
     * @return whether {@code target} is filled; if false nothing happened but some bytes of the
     *     target may have changed
     */
    default boolean tryRead(long offset, MemorySegment target) {
        return false;
    }

    /**
     * Has a range brought into memory that will soon be read, without waiting for it. A hint: what
     * becomes of it {@link #tryRead} and {@link #read} will tell.
     *
     * @return whether that was begun for all of the range; if false who reads will have to wait for
     *     the rest
     */
    default boolean prefetch(long offset, long length) {
        return false;
    }

    /**
     * Begins to read what has to be waited for, if the node can do that without a thread that
     * waits: a file that is open with O_DIRECT can.
     *
     * @param target native; the node's until {@link PendingRequest#finish}
     * @return null if it cannot, not for this range, or not now: then nothing has happened
     */
    default @Nullable PendingRequest beginRead(long offset, MemorySegment target) {
        return null;
    }

    /**
     * Writes all of {@code source} at {@code offset}. Visible to every read that begins after the
     * call returned; durable as {@code durability} says.
     */
    void write(long offset, MemorySegment source, Durability durability);

    /**
     * Begins to write what has to be waited for, if the node can do that without a thread that
     * waits: a file that is open with O_DIRECT can overwrite what has a place already. Visible when
     * {@link PendingRequest#finish} has returned, and as durable as a write that is {@link
     * Durability#CACHED}.
     *
     * @param source native; the node's until {@link PendingRequest#finish}
     * @return null if it cannot, not for this range, or not now: then nothing has happened
     */
    default @Nullable PendingRequest beginWrite(long offset, MemorySegment source) {
        return null;
    }

    /** Makes the range read as zeros, without moving data where the node can. */
    void zero(long offset, long length, ZeroMode mode, Durability durability);

    /** Says that the range's content is no longer needed. What it reads as is the node's choice. */
    void discard(long offset, long length);

    /** Makes all writes that returned before this call began survive a crash. */
    void flush();

    /**
     * Tells, in ascending order and without gaps, how the range is stored. This is advice, true at
     * some moment during the call: good for deciding what to copy, never a licence to read
     * elsewhere later. Neighbouring extents of one kind may or may not be merged.
     *
     * @param visitor called on this thread; ends the walk by returning false
     */
    void extents(long offset, long length, ExtentVisitor visitor);
}
