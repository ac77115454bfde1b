package dev.gaur.net;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.cert.CRL;
import java.security.cert.CertStore;
import java.security.cert.Certificate;
import java.security.cert.CertificateException;
import java.security.cert.CertificateFactory;
import java.security.cert.CollectionCertStoreParameters;
import java.security.cert.PKIXBuilderParameters;
import java.security.cert.TrustAnchor;
import java.security.cert.X509CertSelector;
import java.security.cert.X509Certificate;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import javax.net.ssl.CertPathTrustManagerParameters;
import javax.net.ssl.KeyManager;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.TrustManager;
import javax.net.ssl.TrustManagerFactory;

/**
 * X.509 credentials for TLS 1.2 and 1.3: a folder with files named as QEMU and libnbd have them, so
 * that one folder serves all three. Immutable, and safe for use by many threads; the files are read
 * once.
 *
 * <ul>
 *   <li>{@code ca-cert.pem}: who may sign the other side's certificate.
 *   <li>{@code ca-crl.pem}, if there: which of those are revoked. It must then be current, and have
 *       a list of each authority that is in use.
 *   <li>{@code server-cert.pem}, {@code server-key.pem}: what a server shows; the certificates
 *       between it and the authority may follow its own.
 *   <li>{@code client-cert.pem}, {@code client-key.pem}, if there: what a client shows.
 * </ul>
 *
 * <p>Keys may be in the form of PKCS#8, PKCS#1 or SEC 1, and not encrypted.
 */
public final class TlsCredentials {
    private static final String[] PROTOCOLS = {"TLSv1.3", "TLSv1.2"};
    private static final String CA_FILE = "ca-cert.pem";
    private static final String REVOKED_FILE = "ca-crl.pem";
    private static final char[] NO_PASSWORD = {};

    private final boolean server;
    private final boolean verifyPeer;
    private final List<X509Certificate> own;
    private final List<X509Certificate> authorities;
    private final SSLContext context;

    private TlsCredentials(Path folder, boolean server, boolean verifyPeer)
            throws IOException, GeneralSecurityException {
        this.server = server;
        this.verifyPeer = verifyPeer;
        String name = server ? "server" : "client";
        Path certificate = folder.resolve(name + "-cert.pem");
        boolean shown = server || Files.exists(certificate);
        this.own = shown ? certificates(certificate) : List.of();
        this.authorities = verifyPeer ? certificates(folder.resolve(CA_FILE)) : List.of();
        this.context = SSLContext.getInstance("TLS");
        KeyManager[] keys = shown ? keys(folder.resolve(name + "-key.pem")) : null;
        TrustManager[] trust = {new AnyPeer()};
        context.init(keys, verifyPeer ? trust(folder) : trust, null);
    }

    /**
     * Reads what a server needs.
     *
     * @param verifyPeer whether clients must show a certificate that the authority has signed
     * @throws IOException in words, if a file is missing or makes no sense
     */
    public static TlsCredentials ofServer(Path folder, boolean verifyPeer) throws IOException {
        return read(folder, true, verifyPeer);
    }

    /**
     * Reads what a client needs.
     *
     * @param verifyPeer whether the server's certificate must be signed by the authority; without,
     *     anybody can pretend to be the server
     * @throws IOException in words, if a file is missing or makes no sense
     */
    public static TlsCredentials ofClient(Path folder, boolean verifyPeer) throws IOException {
        return read(folder, false, verifyPeer);
    }

    private static TlsCredentials read(Path folder, boolean server, boolean verifyPeer)
            throws IOException {
        try {
            return new TlsCredentials(folder, server, verifyPeer);
        } catch (GeneralSecurityException wrong) {
            throw new IOException(
                    "TLS credentials in " + folder + ": " + wrong.getMessage(), wrong);
        }
    }

    /** Tells whether they are a server's. */
    public boolean isServer() {
        return server;
    }

    /**
     * Checks that no certificate of the folder is out of date, which would have every handshake
     * fail later on.
     *
     * @throws IOException if one is
     */
    public void checkDates() throws IOException {
        for (List<X509Certificate> list : List.of(own, authorities)) {
            for (X509Certificate each : list) {
                try {
                    each.checkValidity();
                } catch (CertificateException wrong) {
                    String name = each.getSubjectX500Principal().getName();
                    throw new IOException(
                            "the certificate of %s is valid from %s to %s only"
                                    .formatted(
                                            name,
                                            each.getNotBefore().toInstant(),
                                            each.getNotAfter().toInstant()),
                            wrong);
                }
            }
        }
    }

    /** Returns what makes a server's connections secret. */
    public Security forServer() {
        if (!server) {
            throw new IllegalStateException("these are a client's credentials");
        }
        return plain -> {
            SSLEngine engine = context.createSSLEngine();
            engine.setUseClientMode(false);
            engine.setEnabledProtocols(PROTOCOLS);
            engine.setNeedClientAuth(verifyPeer);
            return TlsTransport.over(plain, engine);
        };
    }

    /**
     * Returns what makes a client's connections to one server secret.
     *
     * @param host the name or address that the server's certificate must be for; empty for any that
     *     the authority has signed, for Unix sockets
     */
    public Security forClient(String host) {
        if (server) {
            throw new IllegalStateException("these are a server's credentials");
        }
        return plain -> {
            SSLEngine engine =
                    host.isEmpty()
                            ? context.createSSLEngine()
                            : context.createSSLEngine(host, /* only a hint */ -1);
            engine.setUseClientMode(true);
            engine.setEnabledProtocols(PROTOCOLS);
            if (verifyPeer && !host.isEmpty()) {
                SSLParameters parameters = engine.getSSLParameters();
                parameters.setEndpointIdentificationAlgorithm("HTTPS"); // RFC 6125's rules.
                engine.setSSLParameters(parameters);
            }
            return TlsTransport.over(plain, engine);
        };
    }

    // ---- files

    private static List<X509Certificate> certificates(Path file)
            throws IOException, GeneralSecurityException {
        CertificateFactory factory = CertificateFactory.getInstance("X.509");
        List<X509Certificate> found = new ArrayList<>();
        for (byte[] der : blocks(file, "CERTIFICATE")) {
            if (factory.generateCertificate(new ByteArrayInputStream(der))
                    instanceof X509Certificate it) {
                found.add(it);
            }
        }
        return found;
    }

    private static List<byte[]> blocks(Path file, String label) throws IOException {
        if (!Files.exists(file)) {
            throw new IOException("there is no " + file);
        }
        List<byte[]> found = new ArrayList<>();
        for (Pem.Block block : Pem.read(file)) {
            if (block.label().equals(label)) {
                found.add(block.der());
            }
        }
        if (found.isEmpty()) {
            throw new IOException(file + " has no " + label);
        }
        return found;
    }

    private KeyManager[] keys(Path file) throws IOException, GeneralSecurityException {
        X509Certificate first = own.getFirst();
        var key = PrivateKeys.read(file, first.getPublicKey().getAlgorithm());
        KeyStore store = emptyStore();
        store.setKeyEntry("own", key, NO_PASSWORD, own.toArray(Certificate[]::new));
        KeyManagerFactory factory =
                KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
        factory.init(store, NO_PASSWORD);
        return factory.getKeyManagers();
    }

    private static KeyStore emptyStore() throws IOException, GeneralSecurityException {
        KeyStore store = KeyStore.getInstance("PKCS12");
        store.load(null, null);
        return store;
    }

    private TrustManager[] trust(Path folder) throws IOException, GeneralSecurityException {
        Set<TrustAnchor> anchors =
                authorities.stream()
                        .map(each -> new TrustAnchor(each, null))
                        .collect(Collectors.toSet());
        PKIXBuilderParameters parameters =
                new PKIXBuilderParameters(anchors, new X509CertSelector());
        Path revoked = folder.resolve(REVOKED_FILE);
        parameters.setRevocationEnabled(Files.exists(revoked));
        if (Files.exists(revoked)) {
            Collection<CRL> lists = revoked(revoked);
            parameters.addCertStore(
                    CertStore.getInstance("Collection", new CollectionCertStoreParameters(lists)));
        }
        TrustManagerFactory factory = TrustManagerFactory.getInstance("PKIX");
        factory.init(new CertPathTrustManagerParameters(parameters));
        return QuietTrust.of(factory.getTrustManagers());
    }

    private static Collection<CRL> revoked(Path file) throws IOException, GeneralSecurityException {
        CertificateFactory factory = CertificateFactory.getInstance("X.509");
        List<CRL> lists = new ArrayList<>();
        for (byte[] der : blocks(file, "X509 CRL")) {
            lists.add(factory.generateCRL(new ByteArrayInputStream(der)));
        }
        return lists;
    }
}
