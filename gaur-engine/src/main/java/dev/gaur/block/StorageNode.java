package dev.gaur.block;

import java.lang.foreign.MemorySegment;

/**
 * Where bytes lie: a file, a block device, memory, an NBD server.
 *
 * <p>Other than a virtual disk, storage grows: a write past the end makes it longer. {@link
 * #length} is what it was when opened, and as changed through this node; others' changes are not
 * seen.
 */
public non-sealed interface StorageNode extends BlockNode {
    /** What {@link #allocatedBytes} returns of storage that cannot tell. */
    long UNKNOWN = -1;

    /**
     * Returns the bytes that the storage really takes up (blocks of a sparse file), or {@link
     * #UNKNOWN}.
     */
    long allocatedBytes();

    /**
     * Reads as {@link #read(long, MemorySegment)} does, into a part of an array. For metadata that
     * short commands need: the JVM's first use of a segment takes as long as all else they do, so
     * storage for them has to do without.
     */
    default void read(long offset, byte[] target, int start, int count) {
        read(offset, MemorySegment.ofArray(target).asSlice(start, count));
    }

    /** Makes the storage {@code newLength} bytes long; new bytes read as zeros. */
    void resize(long newLength);

    /**
     * Announces that most of a range will soon be written, so that storage may find place for it at
     * once rather than page by page. A hint, that never fails: contents and length stay as they
     * are, and the range may lie behind the end. What was found behind the end and not used goes
     * back with the next {@link #resize}, one to the length that the storage has included.
     */
    default void reserve(long offset, long count) {}

    /**
     * Tells whether writes go past the system's memory (O_DIRECT). Then each takes as long as the
     * device does, and finding place for it takes time, too: it pays to {@link #reserve} also what
     * will be written in part only, and to let others wait for large ones. Always the same of one
     * node.
     */
    default boolean isDirect() {
        return false;
    }

    /**
     * Has what was written to a range start on its way to the disk, without waiting for it, where
     * only a {@link #flush} would: for who will flush soon. A hint, that never fails and makes
     * nothing stable.
     */
    default void startWriting(long offset, long count) {}

    /**
     * Keeps everybody else from writing to the storage or resizing it until this node is closed: a
     * format whose metadata must hold still needs that. Does nothing where storage knows no locks.
     *
     * @throws BlockException.Busy if somebody is writing; close the node then
     */
    default void excludeWriters() {}

    /**
     * Tells the storage that its user has come to a named place. Real storage does nothing; one
     * made for tests may block here, or fail a later request.
     */
    default void event(BlockEvent event) {}

    /**
     * Tells whether {@link #event} does anything. Always the same of one node: users that cannot
     * afford to tell each event for nothing ask once.
     */
    default boolean isWatched() {
        return false;
    }
}
