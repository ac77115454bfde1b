package dev.gaur.format;

/** Follows a check. */
public interface CheckListener {
    /** Hears nothing. */
    CheckListener NONE = new CheckListener() {};

    /** One thing is wrong. */
    default void found(CheckFinding finding) {}

    /**
     * Part of the work is done.
     *
     * @param done units done
     * @param total units in all; may grow
     */
    default void progress(long done, long total) {}

    /**
     * Asked now and then, always at a point where the image is no worse than before.
     *
     * @return true to end the check or the repair; its report then has a {@code failure}
     */
    default boolean isCancelled() {
        return false;
    }
}
