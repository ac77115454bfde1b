package dev.gaur.storage.nbd;

import dev.gaur.nbd.NbdErrors;

/** A server's answer that a request has failed; the connection is sound. */
final class ServerError extends Exception {
    private static final long serialVersionUID = 1;

    private final int errno;

    /**
     * @param errno as it came, not 0
     * @param message of the server, may be empty
     */
    ServerError(int errno, String message) {
        super(NbdErrors.text(errno) + (message.isEmpty() ? "" : " (" + message + ")"));
        this.errno = errno;
    }

    int errno() {
        return errno;
    }
}
