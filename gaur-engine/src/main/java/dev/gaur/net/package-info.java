/**
 * Connections: byte streams over Unix and TCP sockets, blocking, for one receiver and one sender at
 * a time each.
 *
 * <p>Entry class: {@link dev.gaur.net.Net}, which connects and listens, through system calls where
 * native access is allowed and through Java's channels elsewhere. Failures are {@link
 * java.io.IOException}s with the system's words. No locks but a transport's own, held only to close
 * it.
 */
@NullMarked
package dev.gaur.net;

import org.jspecify.annotations.NullMarked;
