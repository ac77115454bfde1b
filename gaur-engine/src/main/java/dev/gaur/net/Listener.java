package dev.gaur.net;

import java.io.IOException;

/** A socket that waits for connections. */
public interface Listener extends AutoCloseable {
    /** Returns where it listens, with the port that the system chose. */
    Endpoint endpoint();

    /**
     * Waits for the next connection.
     *
     * @throws java.nio.channels.ClosedChannelException once the listener is closed
     * @throws IOException if none could be taken now (too many open files, say); the next may be
     */
    Transport accept() throws IOException;

    /**
     * Ends listening; whoever waits in {@link #accept} returns. The file of a Unix socket is
     * removed. Closing twice does nothing.
     */
    @Override
    void close();
}
