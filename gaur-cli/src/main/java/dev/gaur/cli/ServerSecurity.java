package dev.gaur.cli;

import dev.gaur.net.Security;
import java.util.Optional;

/** TLS credentials as {@code --object tls-creds-x509,...} and {@code --tls-creds ID} name them. */
final class ServerSecurity {
    private ServerSecurity() {}

    /**
     * Returns what {@code --tls-creds} names; nothing if it was not given.
     *
     * @param creds the option that chooses one
     */
    static Optional<Security> of(Invocation call, Option creds) {
        UserObjects objects = UserObjects.of(call);
        if (!call.has(creds)) {
            return Optional.empty();
        }
        try {
            return Optional.of(objects.forServer(call.value(creds, "")));
        } catch (CommandException failure) {
            throw new CommandException("Failed to get TLS creds: " + failure.text());
        }
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
}
