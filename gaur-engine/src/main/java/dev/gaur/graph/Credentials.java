package dev.gaur.graph;

import dev.gaur.block.BlockException;
import dev.gaur.net.Security;

/** TLS credentials by the names that users have given them. */
@FunctionalInterface
public interface Credentials {
    /** There are none. */
    Credentials NONE =
            (id, host) -> {
                throw OptionReader.refusal(
                        id.isEmpty()
                                ? "TLS needs credentials"
                                : "No TLS credentials with id '" + id + "'");
            };

    /**
     * Returns what makes the connections of a client secret.
     *
     * @param id empty if the user has named none, but asks for TLS
     * @param host what the server's certificate must be for; empty for any that the authority has
     *     signed
     * @throws BlockException.Unsupported if there are no such credentials, in QEMU's words
     */
    Security forClient(String id, String host);
}
