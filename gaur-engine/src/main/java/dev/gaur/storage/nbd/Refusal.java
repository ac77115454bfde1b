package dev.gaur.storage.nbd;

import java.io.IOException;

/** The server does not have what is wanted, or says no: to ask again would not help. */
final class Refusal extends IOException {
    private static final long serialVersionUID = 1;

    Refusal(String why) {
        super(why);
    }
}
