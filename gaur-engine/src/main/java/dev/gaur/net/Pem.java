package dev.gaur.net;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;

/**
 * What is in a PEM file, in order. Text around the blocks is allowed, as certtool and openssl write
 * it; headers inside of a block mean that it is encrypted in an old way, which is refused.
 *
 * @see <a href="https://www.rfc-editor.org/rfc/rfc7468">RFC 7468</a>
 */
final class Pem {
    /** Far more than a chain of certificates or a list of revoked ones takes. */
    private static final long FILE_BYTES_MAX = 8 << 20;

    private static final String BEGIN = "-----BEGIN ";
    private static final String END = "-----END ";
    private static final String DASHES = "-----";

    private Pem() {}

    /**
     * A block.
     *
     * @param label such as {@code CERTIFICATE}
     * @param der its bytes
     */
    record Block(String label, byte[] der) {}

    /**
     * Reads a file.
     *
     * @throws IOException in words, if it cannot be read or a block is damaged
     */
    static List<Block> read(Path file) throws IOException {
        if (Files.size(file) > FILE_BYTES_MAX) {
            throw new IOException(file + " is too large for a PEM file");
        }
        return parse(Files.readString(file, StandardCharsets.ISO_8859_1), file.toString());
    }

    /**
     * Finds the blocks of a text.
     *
     * @param name of the text, for messages
     */
    static List<Block> parse(String text, String name) throws IOException {
        List<Block> blocks = new ArrayList<>();
        StringBuilder body = new StringBuilder();
        String label = "";
        for (String raw : text.split("\n", -1)) {
            String line = raw.strip();
            if (label.isEmpty()) {
                label = between(line, BEGIN);
                body.setLength(0);
            } else if (line.startsWith(END)) {
                if (!between(line, END).equals(label)) {
                    throw new IOException(name + ": a block begins as " + label + ", ends not so");
                }
                blocks.add(new Block(label, decode(body.toString(), name)));
                label = "";
            } else if (line.indexOf(':') >= 0) {
                throw new IOException(name + ": " + ENCRYPTED);
            } else {
                body.append(line);
            }
        }
        if (!label.isEmpty()) {
            throw new IOException(name + ": the end of " + label + " is missing");
        }
        return blocks;
    }

    static final String ENCRYPTED =
            "the key is encrypted, which is not supported; 'openssl pkey -in OLD -out NEW' writes"
                    + " it in the clear";

    private static String between(String line, String start) {
        return line.startsWith(start) && line.endsWith(DASHES) && line.length() > start.length() + 5
                ? line.substring(start.length(), line.length() - DASHES.length())
                : "";
    }

    private static byte[] decode(String body, String name) throws IOException {
        try {
            return Base64.getDecoder().decode(body);
        } catch (IllegalArgumentException wrong) {
            throw new IOException(name + " is damaged: " + wrong.getMessage(), wrong);
        }
    }
}
