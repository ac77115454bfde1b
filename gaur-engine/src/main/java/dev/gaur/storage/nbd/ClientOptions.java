package dev.gaur.storage.nbd;

import dev.gaur.nbd.Nbd;
import dev.gaur.net.Security;
import java.time.Duration;
import java.util.List;
import java.util.Optional;

/**
 * How a client uses a server. Immutable; each {@code with} method returns a changed copy.
 *
 * @param connections how many connections one disk may use, if the server says that it serves
 *     several as one; more than the first are made when all are busy
 * @param reconnectDelay how long requests wait for a broken connection to come back; they are then
 *     sent again. Zero to fail at once, and for good
 * @param openTimeout how long a server that cannot be reached is tried again when a disk is opened
 * @param handshakeLimit how long a server may take from the connection to the agreement; zero for
 *     as long as it wants
 * @param contexts what to ask for, for block status; see {@link Nbd#BASE_ALLOCATION}
 * @param security makes the connection secret; without it nothing is sent if that cannot be had
 */
public record ClientOptions(
        int connections,
        Duration reconnectDelay,
        Duration openTimeout,
        Duration handshakeLimit,
        List<String> contexts,
        Optional<Security> security) {
    private static final int CONNECTIONS = 4;
    private static final int CONNECTIONS_MAX = 64;
    private static final Duration HANDSHAKE = Duration.ofSeconds(10);

    /** Four connections, no second try, ten seconds, {@link Nbd#BASE_ALLOCATION}, plain text. */
    public static final ClientOptions DEFAULT =
            new ClientOptions(
                    CONNECTIONS,
                    Duration.ZERO,
                    Duration.ZERO,
                    HANDSHAKE,
                    List.of(Nbd.BASE_ALLOCATION),
                    Optional.empty());

    /**
     * Checks the number of connections, which lies between 1 and 64.
     *
     * @throws IllegalArgumentException if it does not
     */
    public ClientOptions {
        if (connections < 1 || connections > CONNECTIONS_MAX) {
            throw new IllegalArgumentException(connections + " connections");
        }
        contexts = List.copyOf(contexts);
    }

    /** The same with another number of connections. */
    public ClientOptions withConnections(int other) {
        return new ClientOptions(
                other, reconnectDelay, openTimeout, handshakeLimit, contexts, security);
    }

    /** The same with requests that wait longer, or shorter, for a broken connection. */
    public ClientOptions withReconnectDelay(Duration other) {
        return new ClientOptions(
                connections, other, openTimeout, handshakeLimit, contexts, security);
    }

    /** The same with another time in which the server must be reached. */
    public ClientOptions withOpenTimeout(Duration other) {
        return new ClientOptions(
                connections, reconnectDelay, other, handshakeLimit, contexts, security);
    }

    /** The same with another limit of the handshake. */
    public ClientOptions withHandshakeLimit(Duration other) {
        return new ClientOptions(
                connections, reconnectDelay, openTimeout, other, contexts, security);
    }

    /** The same with other contexts to ask for. */
    public ClientOptions withContexts(List<String> others) {
        return new ClientOptions(
                connections, reconnectDelay, openTimeout, handshakeLimit, others, security);
    }

    /** The same with what makes connections secret. */
    public ClientOptions withSecurity(Optional<Security> other) {
        return new ClientOptions(
                connections, reconnectDelay, openTimeout, handshakeLimit, contexts, other);
    }
}
