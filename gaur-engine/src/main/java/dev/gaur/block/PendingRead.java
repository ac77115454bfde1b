package dev.gaur.block;

/**
 * A read that was begun with {@link BlockIo#begin}. Until {@link #finish} has returned or thrown
 * the target belongs to the node: nobody else may touch it, nor give it back.
 *
 * <p>For one thread at a time. Whoever has one must come back to it, and may not wait for anything
 * but disks before: others may be waiting until this read has left what it reads from.
 */
public interface PendingRead {
    /** Looks whether {@link #finish} would not wait; does not wait itself. */
    boolean isDone();

    /**
     * Waits until the target is filled; to be called once.
     *
     * @throws BlockException if reading failed; then the target's bytes are undefined
     */
    void finish();
}
