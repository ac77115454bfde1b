/**
 * The NBD wire format, shared by client and server: numbers, limits, names of servers, and what an
 * error is on the wire.
 *
 * <p>Entry class: {@link dev.gaur.nbd.Nbd}. All numbers on the wire are big-endian. No locks, no
 * state.
 *
 * <p>Source: the NBD project's protocol document, {@code doc/proto.md}.
 */
@NullMarked
package dev.gaur.nbd;

import org.jspecify.annotations.NullMarked;
