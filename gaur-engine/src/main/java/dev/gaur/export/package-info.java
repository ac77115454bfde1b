/**
 * The NBD server: disks for virtual machines, kernels, backup tools and other programs.
 *
 * <p>Entry classes: {@link dev.gaur.export.NbdServer} and {@link dev.gaur.export.Export}, which
 * takes any {@link dev.gaur.block.BlockIo}. A connection has one thread, which agrees with the
 * client ({@code Handshake}) and then reads requests ({@code Transmission}): what needs no waiting
 * it does itself and answers in one batch, all else goes to the server's workers. {@code Inlet} and
 * {@code Outlet} hold what came in and what goes out.
 *
 * <p>No client can keep from others what the server has: it has a time limit until it has chosen an
 * export; while it takes no answers it keeps one worker, for which another one is allowed, and of
 * the memory that all share no more than one answer's once that is short ({@code Buffers}); while
 * it moves neither way it keeps memory for large requests only until others wait for it ({@code
 * LargeMemory}), and never more than a share; requests and lists have limits. What was agreed on in
 * plain text is forgotten when TLS begins.
 *
 * <p>Locks: each outlet has one for sending; the server's monitor guards the lists of exports and
 * connections, and nothing else is locked while it is held. No lock is held while waiting for a
 * client, but for the outlet's own.
 */
@NullMarked
package dev.gaur.export;

import org.jspecify.annotations.NullMarked;
