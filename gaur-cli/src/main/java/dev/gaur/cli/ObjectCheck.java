package dev.gaur.cli;

import dev.gaur.graph.OptionTree;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Base64;
import java.util.Set;

/**
 * Refuses, in QEMU's words, what is none of the objects that {@code --object} defines. As QEMU it
 * looks at once whether files are there, be they needed or not.
 */
final class ObjectCheck {
    static final String SECRET = "secret";
    static final String X509 = "tls-creds-x509";
    static final String TYPE = "qom-type";
    static final String ID = "id";

    private static final String PSK = "tls-creds-psk";

    private static final Set<String> X509_KEYS =
            Set.of(TYPE, ID, "dir", "endpoint", "verify-peer", "sanity-check");

    private static final Set<String> SECRET_KEYS =
            Set.of(TYPE, ID, "data", "file", "format", "keyid", "iv");

    private ObjectCheck() {}

    static void check(OptionTree object) {
        if (!object.has(TYPE)) {
            throw new CommandException("Parameter 'qom-type' is missing");
        }
        String type = object.text(TYPE, "");
        switch (type) {
            case SECRET, X509 -> {}
            case PSK ->
                    throw new CommandException(
                            "tls-creds-psk is not supported: Java has no TLS with pre-shared keys;"
                                    + " use tls-creds-x509");
            default -> throw doesNotAccept(TYPE, type);
        }
        if (!object.has(ID)) {
            throw new CommandException("Parameter 'id' is missing");
        }
        if (type.equals(X509)) {
            checkX509Words(object);
        } else {
            checkSecretWords(object);
        }
        if (!object.text(ID, "").matches("[A-Za-z][A-Za-z0-9._-]*")) {
            throw new CommandException(
                    "Parameter 'id' expects an identifier\n"
                            + "Identifiers consist of letters, digits, '-', '.', '_', starting with"
                            + " a letter.");
        }
        if (type.equals(X509)) {
            checkFolder(object.text("dir", ""));
        } else {
            checkSecret(object);
        }
    }

    private static CommandException doesNotAccept(String key, String value) {
        return new CommandException(
                "Parameter '" + key + "' does not accept value '" + value + "'");
    }

    private static void requireKeys(OptionTree object, Set<String> known) {
        for (String key : object.keys()) {
            if (!known.contains(key)) {
                throw new CommandException("Parameter '" + key + "' is unexpected");
            }
        }
    }

    // ---- credentials

    private static void checkX509Words(OptionTree object) {
        for (String key : object.keys()) {
            if (key.equals("priority") || key.equals("passwordid")) {
                throw new CommandException("Parameter '" + key + "' is not supported");
            }
        }
        requireKeys(object, X509_KEYS);
        String endpoint = object.text("endpoint", "client");
        if (!endpoint.equals("client") && !endpoint.equals("server")) {
            throw doesNotAccept("endpoint", endpoint);
        }
        isOn(object, "verify-peer");
        isOn(object, "sanity-check");
    }

    /** Reads a word that says yes, as it does unless it is there, or no. */
    static boolean isOn(OptionTree object, String key) {
        return switch (object.text(key, "on")) {
            case "on", "yes", "true", "y" -> true;
            case "off", "no", "false", "n" -> false;
            default -> throw new CommandException("Parameter '" + key + "' expects 'on' or 'off'");
        };
    }

    private static void checkFolder(String folder) {
        if (folder.isEmpty()) {
            throw new CommandException("Missing 'dir' property value");
        }
        String authority = folder + "/ca-cert.pem";
        if (!Files.exists(Path.of(authority))) {
            throw new CommandException(
                    "Unable to access credentials " + authority + ": No such file or directory");
        }
    }

    // ---- secrets

    private static void checkSecretWords(OptionTree object) {
        requireKeys(object, SECRET_KEYS);
        String format = object.text("format", "raw");
        if (!format.equals("raw") && !format.equals("base64")) {
            throw doesNotAccept("format", format);
        }
    }

    private static void checkSecret(OptionTree object) {
        if (object.has("keyid")) {
            throw new CommandException("Parameter 'keyid' is not supported");
        }
        boolean inFile = object.has("file");
        if (inFile == object.has("data")) {
            throw new CommandException(
                    inFile
                            ? "'file' and 'data' are mutually exclusive"
                            : "Either 'file' or 'data' must be provided");
        }
        String file = object.text("file", "");
        if (inFile && !Files.exists(Path.of(file))) {
            throw new CommandException(
                    "Unable to read %s: Failed to open file “%s”: No such file or directory"
                            .formatted(file, file));
        }
        if (!inFile && object.text("format", "raw").equals("base64")) {
            checkBase64(object.text("data", ""));
        }
    }

    private static void checkBase64(String data) {
        try {
            Base64.getMimeDecoder().decode(data);
        } catch (IllegalArgumentException _) {
            throw new CommandException("Base64 data '" + data + "' is not valid");
        }
        if (!data.matches("[A-Za-z0-9+/=\\s]*")) {
            throw new CommandException("Base64 data contains invalid characters");
        }
    }
}
