package dev.gaur.format.qcow2;

import dev.gaur.block.BlockException;
import org.jspecify.annotations.Nullable;

/**
 * Whether an image may still be changed. After metadata could not be written nobody knows what the
 * file has of it, so no change is accepted any more (Q8); reading goes on. Safe for many threads.
 */
final class Health {
    private final String image;
    private final LiveHeader header;
    private volatile @Nullable RuntimeException failure;

    Health(String image, LiveHeader header) {
        this.image = image;
        this.header = header;
    }

    /**
     * Marks the image as damaged, in the file too, so that nobody writes to it before a repair.
     *
     * @return what to throw
     */
    BlockException.Corrupt corrupt(String structure, long offset, String found) {
        BlockException.Corrupt damage = new BlockException.Corrupt(image, structure, offset, found);
        if (failure == null) {
            failure = damage;
            try {
                header.setIncompatible(Header.CORRUPT, true);
            } catch (BlockException unmarked) {
                damage.addSuppressed(unmarked);
            }
        }
        return damage;
    }

    /** Says why no change may be accepted from now on. */
    void fail(RuntimeException cause) {
        if (failure == null) {
            failure = cause;
        }
    }

    boolean isFailed() {
        return failure != null;
    }

    /** Throws if changes are no longer accepted. */
    void check() {
        RuntimeException cause = failure;
        if (cause != null) {
            throw new BlockException.Media(
                    image,
                    "",
                    BlockException.NO_OFFSET,
                    "nothing more is written after a failure ("
                            + cause.getMessage()
                            + "); close the image, then run check -r all",
                    EIO,
                    cause);
        }
    }

    /** Runs what must not fail half-way: if it does, the image is failed. */
    void orFail(Runnable change) {
        try {
            change.run();
        } catch (RuntimeException failed) {
            fail(failed);
            throw failed;
        }
    }

    private static final int EIO = 5;
}
