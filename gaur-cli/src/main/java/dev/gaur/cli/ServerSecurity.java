package dev.gaur.cli;

import dev.gaur.net.Security;
import java.util.Optional;

/** TLS credentials as {@code --object tls-creds-x509,...} and {@code --tls-creds ID} name them. */
final class ServerSecurity {
    private ServerSecurity() {}

    /**
     * Returns what {@code --tls-creds} names; nothing if it was not given.
     *
     * @param objects the option with definitions of objects
     * @param creds the option that chooses one
     */
    static Optional<Security> of(Invocation call, Option objects, Option creds) {
        boolean defined = false;
        for (String object : call.values(objects)) {
            String type = type(object);
            if (type.startsWith("tls-creds-") || type.startsWith("authz-")) {
                defined |= hasId(object, call.value(creds, ""));
            } else {
                checkType(object);
            }
        }
        if (!call.has(creds)) {
            return Optional.empty();
        }
        if (!defined) {
            throw new CommandException(
                    "Failed to get TLS creds: No TLS credentials with id '"
                            + call.value(creds, "")
                            + "'");
        }
        throw new CommandException("--tls-creds is not supported yet");
    }

    /** Refuses objects of a kind that does not exist. */
    static void checkType(String object) {
        String type = type(object);
        if (!type.startsWith("tls-creds-")
                && !type.startsWith("authz-")
                && !type.equals("secret")) {
            throw new CommandException("Parameter 'qom-type' does not accept value '" + type + "'");
        }
    }

    private static String type(String object) {
        int comma = object.indexOf(',');
        String type = comma < 0 ? object : object.substring(0, comma);
        return type.startsWith("qom-type=") ? type.substring(9) : type;
    }

    private static boolean hasId(String object, String id) {
        return ("," + object + ",").contains(",id=" + id + ",");
    }
}
