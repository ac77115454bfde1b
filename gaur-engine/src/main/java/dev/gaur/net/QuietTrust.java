package dev.gaur.net;

import java.net.Socket;
import java.security.cert.CertificateException;
import java.security.cert.X509Certificate;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.TrustManager;
import javax.net.ssl.X509ExtendedTrustManager;

/**
 * Trusts whom another does, but does not tell clients which authorities that are.
 *
 * <p>A client that is told has to find the certificate that suits. GnuTLS (3.7 as of Debian 12)
 * then leaves out those with RSA keys unless signatures of PKCS #1 are offered beside those of PSS,
 * which the JDK does not do for TLS 1.3; it would send none at all, and QEMU's and libnbd's users
 * could not come in. Who is not told sends what it has.
 */
final class QuietTrust extends X509ExtendedTrustManager {
    private final X509ExtendedTrustManager inner;

    private QuietTrust(X509ExtendedTrustManager inner) {
        this.inner = inner;
    }

    /** Wraps those for X.509. */
    static TrustManager[] of(TrustManager[] all) {
        TrustManager[] quiet = all.clone();
        for (int i = 0; i < quiet.length; i++) {
            if (quiet[i] instanceof X509ExtendedTrustManager inner) {
                quiet[i] = new QuietTrust(inner);
            }
        }
        return quiet;
    }

    @Override
    public void checkClientTrusted(X509Certificate[] chain, String type)
            throws CertificateException {
        inner.checkClientTrusted(chain, type);
    }

    @Override
    public void checkServerTrusted(X509Certificate[] chain, String type)
            throws CertificateException {
        inner.checkServerTrusted(chain, type);
    }

    @Override
    public void checkClientTrusted(X509Certificate[] chain, String type, Socket socket)
            throws CertificateException {
        inner.checkClientTrusted(chain, type, socket);
    }

    @Override
    public void checkServerTrusted(X509Certificate[] chain, String type, Socket socket)
            throws CertificateException {
        inner.checkServerTrusted(chain, type, socket);
    }

    @Override
    public void checkClientTrusted(X509Certificate[] chain, String type, SSLEngine engine)
            throws CertificateException {
        inner.checkClientTrusted(chain, type, engine);
    }

    @Override
    public void checkServerTrusted(X509Certificate[] chain, String type, SSLEngine engine)
            throws CertificateException {
        inner.checkServerTrusted(chain, type, engine);
    }

    @Override
    public X509Certificate[] getAcceptedIssuers() {
        return new X509Certificate[0];
    }
}
