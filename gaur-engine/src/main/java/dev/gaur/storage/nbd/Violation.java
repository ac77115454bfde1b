package dev.gaur.storage.nbd;

import java.io.IOException;

/** A server does what the protocol forbids; nothing it says after that can be trusted. */
final class Violation extends IOException {
    private static final long serialVersionUID = 1;

    Violation(String what) {
        super("the NBD server breaks the protocol: " + what);
    }
}
