package dev.gaur.net;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.PrivateKey;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.Arrays;
import java.util.HexFormat;

/**
 * Private keys in the three forms that tools write: PKCS#8, which Java reads, and the older ones
 * for RSA (PKCS#1) and elliptic curves (SEC 1), which are PKCS#8 once put into its frame.
 */
final class PrivateKeys {
    private static final int SEQUENCE = 0x30;
    private static final int OCTETS = 0x04;
    private static final int PARAMETERS = 0xa0;

    private static final byte[] VERSION = HexFormat.of().parseHex("020100");
    private static final byte[] RSA = HexFormat.of().parseHex("300d06092a864886f70d0101010500");
    private static final byte[] CURVE = HexFormat.of().parseHex("06072a8648ce3d0201");

    private PrivateKeys() {}

    /**
     * Reads the first key of a file.
     *
     * @param algorithm what Java calls the kind of key
     */
    static PrivateKey read(Path file, String algorithm) throws IOException {
        for (Pem.Block block : Pem.read(file)) {
            if (block.label().endsWith("PRIVATE KEY")) {
                return key(file, pkcs8(file, block), algorithm);
            }
        }
        throw new IOException(file + " has no private key");
    }

    private static PrivateKey key(Path file, byte[] pkcs8, String algorithm) throws IOException {
        try {
            return KeyFactory.getInstance(algorithm)
                    .generatePrivate(new PKCS8EncodedKeySpec(pkcs8));
        } catch (GeneralSecurityException wrong) {
            throw new IOException(
                    file + " has no key for its certificate: " + wrong.getMessage(), wrong);
        }
    }

    private static byte[] pkcs8(Path file, Pem.Block block) throws IOException {
        return switch (block.label()) {
            case "PRIVATE KEY" -> block.der();
            case "RSA PRIVATE KEY" -> framed(RSA, block.der());
            case "EC PRIVATE KEY" -> {
                byte[] curve = parameters(file, block.der());
                yield framed(element(SEQUENCE, joined(CURVE, curve)), block.der());
            }
            case "ENCRYPTED PRIVATE KEY" -> throw new IOException(file + ": " + Pem.ENCRYPTED);
            default ->
                    throw new IOException(
                            "%s has a key of an unknown form, '%s'; 'openssl pkcs8 -topk8 -nocrypt"
                                            .formatted(file, block.label())
                                    + " -in OLD -out NEW' converts it");
        };
    }

    private static byte[] framed(byte[] algorithm, byte[] key) {
        return element(SEQUENCE, joined(VERSION, algorithm, element(OCTETS, key)));
    }

    private static byte[] element(int tag, byte[] content) {
        int length = content.length;
        byte[] head;
        if (length < 0x80) {
            head = new byte[] {(byte) tag, (byte) length};
        } else if (length < 0x100) {
            head = new byte[] {(byte) tag, (byte) 0x81, (byte) length};
        } else {
            head = new byte[] {(byte) tag, (byte) 0x82, (byte) (length >> 8), (byte) length};
        }
        return joined(head, content);
    }

    private static byte[] joined(byte[]... parts) {
        ByteArrayOutputStream all = new ByteArrayOutputStream();
        for (byte[] part : parts) {
            all.writeBytes(part);
        }
        return all.toByteArray();
    }

    /** Finds the name of the curve, which SEC 1 has behind the number. */
    private static byte[] parameters(Path file, byte[] der) throws IOException {
        int[] at = {0};
        int end = enter(der, at);
        for (at[0] = end < 0 ? der.length : at[0]; at[0] < der.length; ) {
            int tag = der[at[0]] & 0xff;
            int next = enter(der, at);
            if (next < 0) {
                break;
            }
            if (tag == PARAMETERS) {
                return Arrays.copyOfRange(der, at[0], next);
            }
            at[0] = next;
        }
        throw new IOException(
                file
                        + " does not say which curve its key is of; 'openssl pkcs8 -topk8 -nocrypt"
                        + " -in OLD -out NEW' may");
    }

    /** Goes from an element to its content; returns the content's end, -1 if there is none. */
    private static int enter(byte[] der, int[] at) {
        int place = at[0] + 1;
        if (place >= der.length) {
            return -1;
        }
        int length = der[place++] & 0xff;
        if (length >= 0x80) {
            int count = length - 0x80;
            length = 0;
            if (count < 1 || count > 2 || place + count > der.length) {
                return -1;
            }
            for (int i = 0; i < count; i++) {
                length = length << 8 | (der[place++] & 0xff);
            }
        }
        at[0] = place;
        return length > der.length - place ? -1 : place + length;
    }
}
