package dev.gaur.export;

/**
 * Hears of a server's clients. Called by the server's threads, several at once perhaps, which wait
 * for it.
 */
public interface ServerEvents {
    /** Hears nothing. */
    ServerEvents NONE = new ServerEvents() {};

    /**
     * A client has chosen an export.
     *
     * @param peer where it is, as far as that is known
     */
    default void opened(Export export, String peer) {}

    /** A client that had chosen an export is gone, and all its requests are done. */
    default void closed(Export export, String peer) {}

    /**
     * A connection ended in a way that none should: it broke, its client sent what makes no sense,
     * or took too long to choose an export. Not what the server itself ends when it is closed.
     *
     * @param reason in words
     */
    default void failed(String peer, String reason) {}

    /** A connection has ended, whether it got as far as an export or not. */
    default void ended(String peer) {}
}
