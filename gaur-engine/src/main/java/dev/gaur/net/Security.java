package dev.gaur.net;

import java.io.IOException;

/** Makes a connection a secret one: TLS with the credentials of whoever made this. */
public interface Security {
    /**
     * Agrees with the other side. Blocks until that is done.
     *
     * @param plain the connection; belongs to the result from then on
     * @return the same connection, encrypted
     * @throws IOException if they cannot agree; then the connection is of no use any more
     */
    Transport secure(Transport plain) throws IOException;
}
