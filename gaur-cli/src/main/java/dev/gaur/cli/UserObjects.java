package dev.gaur.cli;

import dev.gaur.block.BlockException;
import dev.gaur.graph.Credentials;
import dev.gaur.graph.OptionTree;
import dev.gaur.net.Security;
import dev.gaur.net.TlsCredentials;
import java.io.IOException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * What the user has defined by {@code --object}, by id: credentials for TLS, and secrets, which
 * nothing needs yet. Files of credentials are read when they are asked for. Immutable.
 */
final class UserObjects implements Credentials {
    /** Names the credentials that a server or a client shall use. */
    static final Option TLS_CREDS =
            Option.valued("", "tls-creds", "ID", "encrypt, with the credentials of this object");

    private static final String SECRET = "secret";
    private static final String X509 = "tls-creds-x509";
    private static final String PSK = "tls-creds-psk";
    private static final String TYPE = "qom-type";
    private static final String ID = "id";

    private static final Set<String> X509_KEYS =
            Set.of(TYPE, ID, "dir", "endpoint", "verify-peer", "sanity-check");

    private final Map<String, OptionTree> byId;

    private UserObjects(Map<String, OptionTree> byId) {
        this.byId = byId;
    }

    /**
     * Reads the options of a call.
     *
     * @throws CommandException in QEMU's words, if an object is none that can be defined
     */
    static UserObjects of(Invocation call) {
        return of(call.values(Options.OBJECT));
    }

    /** Reads objects as the user has written them: lists of options, or JSON. */
    static UserObjects of(List<String> texts) {
        Map<String, OptionTree> byId = new LinkedHashMap<>();
        for (String text : texts) {
            OptionTree object = parse(text);
            check(object);
            if (byId.putIfAbsent(object.text(ID, ""), object) != null) {
                String id = object.text(ID, "");
                throw new CommandException(
                        "attempt to add duplicate property '" + id + "' to object");
            }
        }
        return new UserObjects(byId);
    }

    private static OptionTree parse(String text) {
        if (text.startsWith("{")) {
            try {
                return OptionTree.ofJson(text);
            } catch (BlockException wrong) {
                throw new CommandException(String.valueOf(wrong.getMessage()));
            }
        }
        int comma = text.indexOf(',');
        String first = comma < 0 ? text : text.substring(0, comma);
        return OptionTree.ofOptions(first.indexOf('=') < 0 ? TYPE + "=" + text : text);
    }

    private static void check(OptionTree object) {
        String type = object.text(TYPE, "");
        switch (type) {
            case SECRET -> {}
            case X509 -> checkX509(object);
            case PSK ->
                    throw new CommandException(
                            "tls-creds-psk is not supported: Java has no TLS with pre-shared keys;"
                                    + " use tls-creds-x509");
            default ->
                    throw new CommandException(
                            "Parameter 'qom-type' does not accept value '" + type + "'");
        }
        if (object.text(ID, "").isEmpty()) {
            throw new CommandException("Parameter 'id' is missing");
        }
    }

    private static void checkX509(OptionTree object) {
        for (String key : object.keys()) {
            if (key.equals("priority") || key.equals("passwordid")) {
                throw new CommandException("Parameter '" + key + "' is not supported");
            }
            if (!X509_KEYS.contains(key)) {
                throw new CommandException("Parameter '" + key + "' is unexpected");
            }
        }
        String endpoint = object.text("endpoint", "client");
        if (!endpoint.equals("client") && !endpoint.equals("server")) {
            throw new CommandException(
                    "Parameter 'endpoint' does not accept value '" + endpoint + "'");
        }
        isOn(object, "verify-peer");
        isOn(object, "sanity-check");
    }

    private static boolean isOn(OptionTree object, String key) {
        return switch (object.text(key, "on")) {
            case "on", "yes", "true", "y" -> true;
            case "off", "no", "false", "n" -> false;
            default -> throw new CommandException("Parameter '" + key + "' expects 'on' or 'off'");
        };
    }

    /**
     * Returns what makes the connections of a server secret.
     *
     * @param id of credentials for a server
     * @throws CommandException in QEMU's words, if there are none
     */
    Security forServer(String id) {
        return credentials(id, true).forServer();
    }

    /**
     * {@inheritDoc} URIs name no credentials: then these are the only object there is, and a server
     * on a Unix socket may have any name that the authority has signed. Options that name
     * credentials have to say which, as QEMU has it.
     */
    @Override
    public Security forClient(String id, String host) {
        try {
            String found = id.isEmpty() ? onlyId() : id;
            TlsCredentials credentials = credentials(found, false);
            boolean verify = isOn(byId.getOrDefault(found, OptionTree.EMPTY), "verify-peer");
            if (!id.isEmpty() && host.isEmpty() && verify) {
                throw new CommandException("No hostname for certificate validation");
            }
            return credentials.forClient(host);
        } catch (CommandException failure) {
            throw new BlockException.Unsupported("", "", failure.text());
        }
    }

    private String onlyId() {
        if (byId.size() != 1) {
            throw new CommandException(
                    "TLS needs credentials: define one --object tls-creds-x509 or name it by"
                            + " tls-creds");
        }
        return byId.keySet().iterator().next();
    }

    private TlsCredentials credentials(String id, boolean server) {
        OptionTree object = byId.get(id);
        if (object == null) {
            throw new CommandException("No TLS credentials with id '" + id + "'");
        }
        if (!object.text(TYPE, "").equals(X509)) {
            throw new CommandException("Object with id '" + id + "' is not TLS credentials");
        }
        if (object.text("endpoint", "client").equals("server") != server) {
            throw new CommandException(
                    "Expected TLS credentials for a %s endpoint"
                            .formatted(server ? "server" : "client"));
        }
        if (object.text("dir", "").isEmpty()) {
            throw new CommandException("Missing 'dir' property value");
        }
        try {
            Path folder = Path.of(object.text("dir", ""));
            boolean verify = isOn(object, "verify-peer");
            TlsCredentials read =
                    server
                            ? TlsCredentials.ofServer(folder, verify)
                            : TlsCredentials.ofClient(folder, verify);
            if (isOn(object, "sanity-check")) {
                read.checkDates();
            }
            return read;
        } catch (IOException wrong) {
            throw new CommandException("Unable to access credentials: " + wrong.getMessage());
        }
    }
}
