package dev.gaur.filter;

import java.util.function.Consumer;

/** Stops requests at named places, and lets them go on. Safe for use by many threads. */
public interface Breakpoints {
    /**
     * Makes the next request that comes to a place stop there.
     *
     * @param event QEMU's name of the place
     * @param tag what the stopped request is called from then on
     * @return whether there is such a place
     */
    boolean set(String event, String tag);

    /**
     * Forgets the breakpoints of a tag and lets go what they stopped.
     *
     * @return whether there was one that had stopped nothing yet
     */
    boolean remove(String tag);

    /** Lets the first request go on that has the tag; whether there is one. */
    boolean resume(String tag);

    /** Waits until a request is stopped that has the tag; for ever if none comes. */
    void await(String tag);

    /**
     * Goes on where {@code before} ended, which nobody uses any more: with its breakpoints, and
     * with all else that decides what becomes of requests, in place of its own.
     */
    void continueFrom(Breakpoints before);

    /**
     * Names who is told, in QEMU's words, what is stopped and what goes on; in place of who was
     * named before.
     *
     * @param listener called by the threads that are stopped and that resume them; must not block
     */
    void listen(Consumer<String> listener);
}
