package dev.gaur.format.qcow2;

import dev.gaur.block.BlockException;
import dev.gaur.block.StorageNode;
import org.jspecify.annotations.Nullable;

/**
 * Whether an image may still be changed. After metadata could not be written nobody knows what the
 * file has of it, so no change is accepted any more (Q8); reading goes on. A full disk is another
 * matter where the same can be written again. Safe for many threads.
 */
final class Health {
    private static final RuntimeException NO_MEMORY = new IllegalStateException("no memory");

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
    void fail(Throwable cause) {
        if (failure == null) {
            failure = NO_MEMORY; // There may be none to say more.
            failure =
                    cause instanceof RuntimeException known
                            ? known
                            : new IllegalStateException(cause);
        }
    }

    boolean isFailed() {
        return failure != null;
    }

    /** Throws if changes are no longer accepted. */
    void check() {
        check(
                "nothing more is written after a failure (%s); close the image, then run"
                        + " check -r all");
    }

    /** Throws if what was written before may be lost; for who closes the image. */
    void checkAtEnd() {
        check("what was written may be lost after a failure (%s); run check -r all");
    }

    private void check(String text) {
        RuntimeException cause = failure;
        if (cause != null) {
            String found = text.formatted(cause.getMessage());
            throw new BlockException.Media(image, "", BlockException.NO_OFFSET, found, EIO, cause);
        }
    }

    /** Runs what must not fail half-way: if it does, the image is failed. */
    void orFail(Runnable change) {
        try {
            change.run();
        } catch (RuntimeException | Error failed) { // Without memory it is half-way all the same.
            fail(failed);
            throw failed;
        }
    }

    /**
     * Runs what may be run once more if the disk was full: whatever part of it is in the file then
     * harms nobody. Any other failure ends all changes.
     *
     * @param again prepares for the next attempt
     */
    void orAgain(Runnable change, Runnable again) {
        try {
            change.run();
        } catch (RuntimeException failed) {
            if (isFailed() || !isFull(failed)) {
                fail(failed);
            } else {
                orFail(again);
            }
            throw failed;
        } catch (Error failed) {
            fail(failed);
            throw failed;
        }
    }

    private static boolean isFull(RuntimeException failed) {
        return failed instanceof BlockException.Media media
                && (media.errno() == ENOSPC || media.errno() == EDQUOT);
    }

    /** Makes a file stable. If that fails nobody knows what it has lost, full or not. */
    void flush(StorageNode file) {
        orFail(file::flush);
    }

    private static final int EIO = 5;
    private static final int ENOSPC = 28;
    private static final int EDQUOT = 122;
}
