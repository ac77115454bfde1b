/**
 * Connections: byte streams over Unix and TCP sockets, blocking, for one receiver and one sender at
 * a time each.
 *
 * <p>Entry class: {@link dev.gaur.net.Net}, which connects and listens, through system calls where
 * native access is allowed and through Java's channels elsewhere; {@link
 * dev.gaur.net.TlsCredentials} makes a connection secret, by TLS 1.2 or 1.3 with X.509 certificates
 * (Java has no TLS with pre-shared keys). Failures are {@link java.io.IOException}s with the
 * system's words. No locks but a transport's own, held only to close it.
 */
@NullMarked
package dev.gaur.net;

import org.jspecify.annotations.NullMarked;
