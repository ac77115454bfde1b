package dev.gaur.export;

import dev.gaur.net.Security;
import java.time.Duration;
import java.util.Optional;

/**
 * How a server treats its clients. Immutable; each {@code with} method returns a changed copy.
 *
 * @param connectionsMax how many clients may be connected at once; others wait to be accepted
 * @param handshakeLimit how long a client may take to choose an export; zero for as long as it
 *     wants
 * @param drainLimit how long {@link NbdServer#close} waits for a client to take its last answers
 * @param security what clients are offered to make the connection secret, if anything
 * @param secureOnly whether they must
 * @param events is told what happens
 */
public record ServerOptions(
        int connectionsMax,
        Duration handshakeLimit,
        Duration drainLimit,
        Optional<Security> security,
        boolean secureOnly,
        ServerEvents events) {
    /** A thousand clients, ten seconds for a handshake as QEMU has it, no TLS. */
    public static final ServerOptions DEFAULT =
            new ServerOptions(
                    1024,
                    Duration.ofSeconds(10),
                    Duration.ofSeconds(10),
                    Optional.empty(),
                    false,
                    ServerEvents.NONE);

    /** Checks the numbers. */
    public ServerOptions {
        if (connectionsMax < 1 || handshakeLimit.isNegative() || drainLimit.isNegative()) {
            throw new IllegalArgumentException("a limit is negative, or nobody may connect");
        }
    }

    /** The same for another number of clients, at least one. */
    public ServerOptions withConnectionsMax(int other) {
        return new ServerOptions(other, handshakeLimit, drainLimit, security, secureOnly, events);
    }

    /** The same with another time for the handshake. */
    public ServerOptions withHandshakeLimit(Duration other) {
        return new ServerOptions(connectionsMax, other, drainLimit, security, secureOnly, events);
    }

    /** The same with another time for the last answers. */
    public ServerOptions withDrainLimit(Duration other) {
        return new ServerOptions(
                connectionsMax, handshakeLimit, other, security, secureOnly, events);
    }

    /** The same with TLS. */
    public ServerOptions withSecurity(Security other, boolean only) {
        return new ServerOptions(
                connectionsMax, handshakeLimit, drainLimit, Optional.of(other), only, events);
    }

    /** The same with another listener. */
    public ServerOptions withEvents(ServerEvents other) {
        return new ServerOptions(
                connectionsMax, handshakeLimit, drainLimit, security, secureOnly, other);
    }
}
