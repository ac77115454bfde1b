package dev.gaur.net;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gaur.testkit.TestCertificates;
import dev.gaur.testkit.TestCertificates.Identity;
import java.io.IOException;
import java.math.BigInteger;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.PrivateKey;
import java.security.interfaces.ECPrivateKey;
import java.time.Duration;
import java.time.Instant;
import java.util.Arrays;
import java.util.HexFormat;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The files of credentials: every form of key that tools write, and what is wrong with them. */
class TlsCredentialsTest {
    private static final TestCertificates CA = new TestCertificates("the authority");
    private static final Instant NOW = Instant.now();
    private static final Duration DAY = Duration.ofDays(1);
    private static final Identity RSA =
            CA.identity("RSA", "rsa", NOW.minus(DAY), NOW.plus(DAY), "localhost");
    private static final Identity EC = CA.identity("ec", "localhost");

    /** The curve P-256 as SEC 1 names it. */
    private static final byte[] CURVE =
            TestCertificates.bytes(0xa0, HexFormat.of().parseHex("06082a8648ce3d030107"));

    @TempDir Path folder;

    private static PrivateKey key(Path file, String algorithm) throws IOException {
        return PrivateKeys.read(file, algorithm);
    }

    private Path file(String text) throws IOException {
        return Files.writeString(folder.resolve("key.pem"), text);
    }

    private String refused(String text, String algorithm) throws IOException {
        Path file = file(text);
        return assertThrows(IOException.class, () -> key(file, algorithm)).toString();
    }

    /** What is inside of PKCS#8's frame: 26 bytes for RSA with 2048 bits. */
    private static byte[] pkcs1() {
        byte[] pkcs8 = RSA.key().getPrivate().getEncoded();
        return Arrays.copyOfRange(pkcs8, 26, pkcs8.length);
    }

    private static byte[] sec1() {
        byte[] key = toBytes(((ECPrivateKey) EC.key().getPrivate()).getS());
        return TestCertificates.sequence(
                HexFormat.of().parseHex("020101"), TestCertificates.bytes(0x04, key), CURVE);
    }

    private static byte[] toBytes(BigInteger number) {
        byte[] bytes = new byte[32];
        for (int i = 0; i < bytes.length; i++) {
            bytes[i] = number.shiftRight(8 * (31 - i)).byteValue();
        }
        return bytes;
    }

    /** The old form of a key lacks the public part, which the new one may have. */
    private static BigInteger number(PrivateKey key) {
        return ((ECPrivateKey) key).getS();
    }

    @Test
    void keysOfPkcs8AreRead() throws IOException {
        assertEquals(RSA.key().getPrivate(), key(file(RSA.keyPem()), "RSA"));
        assertEquals(number(EC.key().getPrivate()), number(key(file(EC.keyPem()), "EC")));
    }

    @Test
    void oldKeysOfRsaAreReadWithTheTextThatCerttoolWritesAround() throws IOException {
        String text =
                "Public Key Info:\n\tPublic Key Algorithm: RSA\n\nmodulus:\n\t00:b3:0e:\n\n"
                        + TestCertificates.pem("RSA PRIVATE KEY", pkcs1());

        assertEquals(RSA.key().getPrivate(), key(file(text), "RSA"));
    }

    @Test
    void oldKeysOfCurvesAreReadBehindTheirParameters() throws IOException {
        String text =
                TestCertificates.pem(
                                "EC PARAMETERS", HexFormat.of().parseHex("06082a8648ce3d030107"))
                        + TestCertificates.pem("EC PRIVATE KEY", sec1());

        assertEquals(number(EC.key().getPrivate()), number(key(file(text), "EC")));
    }

    @Test
    void linesMayEndAsOnWindows() throws IOException {
        PrivateKey read = key(file(EC.keyPem().replace("\n", "\r\n")), "EC");
        assertEquals(number(EC.key().getPrivate()), number(read));
    }

    @Test
    void whatCannotBeReadSaysWhatToDo() throws IOException {
        String encrypted =
                refused(TestCertificates.pem("ENCRYPTED PRIVATE KEY", new byte[9]), "EC");
        assertTrue(encrypted.contains("openssl pkey"), encrypted);
        String old =
                "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\nAAAA\n"
                        + "-----END RSA PRIVATE KEY-----\n";
        assertTrue(refused(old, "RSA").contains("openssl pkey"));
        String dsa = refused(TestCertificates.pem("DSA PRIVATE KEY", new byte[9]), "DSA");
        assertTrue(dsa.contains("openssl pkcs8"), dsa);
    }

    @Test
    void damagedFilesAreRefusedInWords() throws IOException {
        assertTrue(refused("", "EC").contains("no private key"));
        assertTrue(refused("-----BEGIN PRIVATE KEY-----\nAAAA\n", "EC").contains("is missing"));
        assertTrue(
                refused("-----BEGIN PRIVATE KEY-----\n!\n-----END PRIVATE KEY-----", "EC")
                        .contains("damaged"));
        assertTrue(
                refused("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END X-----", "EC")
                        .contains("ends not so"));
        refused(TestCertificates.pem("PRIVATE KEY", new byte[40]), "EC");
    }

    @Test
    void anyCutOrChangedByteOfAnOldKeyIsAnIoExceptionOrAKey() throws IOException {
        byte[] whole = sec1();
        for (int i = 0; i < whole.length; i++) {
            byte[] changed = whole.clone();
            changed[i] ^= (byte) 0x81;
            tryKey(Arrays.copyOf(whole, i));
            tryKey(changed);
        }
    }

    private void tryKey(byte[] der) throws IOException {
        Path file = file(TestCertificates.pem("EC PRIVATE KEY", der));
        try {
            key(file, "EC");
        } catch (IOException refused) {
            assertTrue(refused.toString().contains("key.pem"), refused.getMessage());
        }
    }

    @Test
    void missingFilesAreNamed() throws IOException {
        Path server = CA.folder(folder.resolve("s"), "server", EC);
        Files.delete(server.resolve("ca-cert.pem"));
        TlsCredentials.ofServer(server, false); // Needs no authority.
        assertTrue(missing(server, true).contains("ca-cert.pem"));
        Files.delete(server.resolve("server-key.pem"));
        assertTrue(missing(server, false).contains("server-key.pem"));
        Files.delete(server.resolve("server-cert.pem"));
        assertTrue(missing(server, false).contains("server-cert.pem"));
    }

    private static String missing(Path folder, boolean verify) {
        return assertThrows(IOException.class, () -> TlsCredentials.ofServer(folder, verify))
                .toString();
    }

    @Test
    void aKeyOfAnotherKindThanItsCertificateIsRefused() throws IOException {
        Path server = CA.folder(folder.resolve("s"), "server", EC);
        Files.writeString(server.resolve("server-key.pem"), RSA.keyPem());

        String why = missing(server, false);
        assertTrue(why.contains("no key for its certificate"), why);
    }
}
