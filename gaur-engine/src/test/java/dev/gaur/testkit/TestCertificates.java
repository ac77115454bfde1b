package dev.gaur.testkit;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.math.BigInteger;
import java.net.InetAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.PrivateKey;
import java.security.Signature;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.Arrays;
import java.util.Base64;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;

/**
 * Makes an authority, certificates and lists of revoked ones, in folders that QEMU, libnbd and Gaur
 * read. Each maker has an authority of its own.
 */
public final class TestCertificates {
    private static final Duration DAY = Duration.ofDays(1);

    private static final byte[] ECDSA = sequence(oid("06082a8648ce3d040302"));

    private final String authority;
    private final KeyPair authorityKey;
    private final byte[] authorityCertificate;
    private int serial = 1;

    /** A certificate and its key. */
    public record Identity(byte[] certificate, KeyPair key, int serial) {
        /** Returns the certificate as PEM. */
        public String certificatePem() {
            return pem("CERTIFICATE", certificate);
        }

        /** Returns the key as PEM, in the form of PKCS#8. */
        public String keyPem() {
            return pem("PRIVATE KEY", withPublic(key));
        }

        /** GnuTLS takes no key of a curve without the public part, which Java leaves out. */
        private static byte[] withPublic(KeyPair key) {
            byte[] all = key.getPrivate().getEncoded();
            if (!key.getPrivate().getAlgorithm().equals("EC")) {
                return all;
            }
            int algorithmEnd = 26; // Of P-256, and its 32 bytes are the last ones.
            byte[] known = key.getPublic().getEncoded();
            byte[] point = Arrays.copyOfRange(known, known.length - 65, known.length);
            byte[] number = Arrays.copyOfRange(all, all.length - 32, all.length);
            byte[] open = bytes(0xa1, bytes(0x03, joined(new byte[1], point)));
            byte[] inner = sequence(integer(1), bytes(0x04, number), open);
            byte[] head = Arrays.copyOfRange(all, 2, algorithmEnd);
            return sequence(head, bytes(0x04, inner));
        }
    }

    /** Makes an authority whose keys are of elliptic curves, which is fast. */
    public TestCertificates(String authority) {
        this.authority = authority;
        this.authorityKey = newKey("EC");
        Instant now = Instant.now();
        this.authorityCertificate =
                certificate(
                        authority,
                        authorityKey,
                        1,
                        now.minus(DAY),
                        now.plus(DAY),
                        List.of(
                                extension("551d13", true, sequence(bytes(0x01, new byte[] {-1}))),
                                extension("551d0f", true, bytes(0x03, new byte[] {1, 6}))));
    }

    /** Makes an identity that is valid today; {@code hosts} are names and addresses. */
    public Identity identity(String name, String... hosts) {
        return identity("EC", name, Instant.now().minus(DAY), Instant.now().plus(DAY), hosts);
    }

    /**
     * Makes an identity.
     *
     * @param algorithm EC or RSA
     */
    public Identity identity(
            String algorithm, String name, Instant from, Instant until, String... hosts) {
        KeyPair key = newKey(algorithm);
        byte[][] names = new byte[hosts.length][];
        for (int i = 0; i < hosts.length; i++) {
            names[i] = host(hosts[i]);
        }
        List<byte[]> extensions =
                hosts.length == 0
                        ? List.of()
                        : List.of(extension("551d11", false, sequence(names)));
        int number = ++serial;
        return new Identity(certificate(name, key, number, from, until, extensions), key, number);
    }

    /** Returns the authority's certificate as PEM. */
    public String authorityPem() {
        return pem("CERTIFICATE", authorityCertificate);
    }

    /** Returns a list of revoked certificates as PEM. */
    public String revokedPem(Identity... revoked) {
        byte[][] entries = new byte[revoked.length][];
        Instant now = Instant.now();
        for (int i = 0; i < revoked.length; i++) {
            entries[i] = sequence(integer(revoked[i].serial()), time(now.minus(DAY)));
        }
        byte[] list =
                sequence(
                        integer(1),
                        ECDSA,
                        name(authority),
                        time(now.minus(DAY)),
                        time(now.plus(DAY)),
                        revoked.length == 0 ? new byte[0] : sequence(entries));
        return pem("X509 CRL", signed(list, authorityKey.getPrivate(), ECDSA));
    }

    /** Writes a folder with the authority and a server's or a client's identity. */
    public Path folder(Path folder, String role, Identity identity) throws IOException {
        Files.createDirectories(folder);
        Files.writeString(folder.resolve("ca-cert.pem"), authorityPem());
        Files.writeString(folder.resolve(role + "-cert.pem"), identity.certificatePem());
        Files.writeString(folder.resolve(role + "-key.pem"), identity.keyPem());
        return folder;
    }

    /** Returns a PEM block. */
    public static String pem(String label, byte[] der) {
        String body = Base64.getMimeEncoder(64, new byte[] {'\n'}).encodeToString(der);
        return "-----BEGIN %s-----\n%s\n-----END %s-----\n".formatted(label, body, label);
    }

    // ---- certificates

    private byte[] certificate(
            String subject,
            KeyPair key,
            int number,
            Instant from,
            Instant until,
            List<byte[]> extensions) {
        byte[] all = sequence(extensions.toArray(byte[][]::new));
        byte[] content =
                sequence(
                        bytes(0xa0, integer(2)),
                        integer(number),
                        ECDSA,
                        name(authority),
                        sequence(time(from), time(until)),
                        name(subject),
                        key.getPublic().getEncoded(),
                        extensions.isEmpty() ? new byte[0] : bytes(0xa3, all));
        return signed(content, authorityKey.getPrivate(), ECDSA);
    }

    private static KeyPair newKey(String algorithm) {
        try {
            KeyPairGenerator generator = KeyPairGenerator.getInstance(algorithm);
            generator.initialize(algorithm.equals("EC") ? 256 : 2048);
            return generator.generateKeyPair();
        } catch (GeneralSecurityException e) {
            throw new AssertionError(e);
        }
    }

    private static byte[] signed(byte[] content, PrivateKey key, byte[] algorithm) {
        try {
            Signature signature = Signature.getInstance("SHA256withECDSA");
            signature.initSign(key);
            signature.update(content);
            byte[] bits = joined(new byte[1], signature.sign());
            return sequence(content, algorithm, bytes(0x03, bits));
        } catch (GeneralSecurityException e) {
            throw new AssertionError(e);
        }
    }

    private static byte[] host(String host) {
        try {
            return Character.isDigit(host.charAt(0)) || host.indexOf(':') >= 0
                    ? bytes(0x87, InetAddress.getByName(host).getAddress())
                    : bytes(0x82, host.getBytes(StandardCharsets.US_ASCII));
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    private static byte[] name(String common) {
        byte[] text = bytes(0x0c, common.getBytes(StandardCharsets.UTF_8));
        return sequence(bytes(0x31, sequence(oid("0603550403"), text)));
    }

    private static byte[] extension(String id, boolean critical, byte[] value) {
        byte[] flag = critical ? bytes(0x01, new byte[] {-1}) : new byte[0];
        return sequence(bytes(0x06, HexFormat.of().parseHex(id)), flag, bytes(0x04, value));
    }

    // ---- the encoding

    private static byte[] oid(String hex) {
        return HexFormat.of().parseHex(hex);
    }

    private static byte[] integer(int value) {
        return bytes(0x02, BigInteger.valueOf(value).toByteArray());
    }

    private static byte[] time(Instant when) {
        String text =
                DateTimeFormatter.ofPattern("yyMMddHHmmss'Z'", Locale.ROOT)
                        .format(when.atOffset(ZoneOffset.UTC));
        return bytes(0x17, text.getBytes(StandardCharsets.US_ASCII));
    }

    /** Returns a sequence of elements. */
    public static byte[] sequence(byte[]... parts) {
        return bytes(0x30, joined(parts));
    }

    /** Returns an element. */
    public static byte[] bytes(int tag, byte[] content) {
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
}
