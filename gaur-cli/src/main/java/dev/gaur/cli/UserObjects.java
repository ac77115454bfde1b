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

/**
 * What the user has defined by {@code --object}, by id: credentials for TLS, and secrets, which
 * nothing needs yet. Files of credentials are read when they are asked for. Immutable.
 */
final class UserObjects implements Credentials {
    /** Names the credentials that a server or a client shall use. */
    static final Option TLS_CREDS =
            Option.valued("", "tls-creds", "ID", "encrypt, with the credentials of this object");

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
            ObjectCheck.check(object);
            if (byId.putIfAbsent(object.text(ObjectCheck.ID, ""), object) != null) {
                String id = object.text(ObjectCheck.ID, "");
                throw new CommandException(
                        "attempt to add duplicate property '"
                                + id
                                + "' to object (type 'container')");
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
        return OptionTree.ofOptions(first.indexOf('=') < 0 ? ObjectCheck.TYPE + "=" + text : text);
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
            boolean verify =
                    ObjectCheck.isOn(byId.getOrDefault(found, OptionTree.EMPTY), "verify-peer");
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
        if (!object.text(ObjectCheck.TYPE, "").equals(ObjectCheck.X509)) {
            throw new CommandException("Object with id '" + id + "' is not TLS credentials");
        }
        if (object.text("endpoint", "client").equals("server") != server) {
            throw new CommandException(
                    "Expected TLS credentials for a %s endpoint"
                            .formatted(server ? "server" : "client"));
        }
        try {
            Path folder = Path.of(object.text("dir", ""));
            boolean verify = ObjectCheck.isOn(object, "verify-peer");
            TlsCredentials read =
                    server
                            ? TlsCredentials.ofServer(folder, verify)
                            : TlsCredentials.ofClient(folder, verify);
            if (ObjectCheck.isOn(object, "sanity-check")) {
                read.checkDates();
            }
            return read;
        } catch (IOException wrong) {
            throw new CommandException("Unable to access credentials: " + wrong.getMessage());
        }
    }
}
