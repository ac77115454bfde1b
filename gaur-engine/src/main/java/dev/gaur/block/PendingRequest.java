package dev.gaur.block;

/**
 * A read or write that was begun with {@link BlockIo#beginRead} or {@link BlockIo#beginWrite}.
 * Until {@link #finish} has returned or thrown its memory belongs to the node: nobody else may
 * touch it, nor give it back.
 *
 * <p>For one thread at a time. Whoever has one must come back to it, and may not wait for anything
 * but disks before: others may be waiting until this request has left what it reads or writes.
 */
public interface PendingRequest {
    /** Looks whether {@link #finish} would not wait; does not wait itself. */
    boolean isDone();

    /**
     * Waits until the target is filled, or the source written; to be called once.
     *
     * @throws BlockException if it failed; then the target's bytes are undefined, or each sector
     *     has old or new bytes
     */
    void finish();
}
