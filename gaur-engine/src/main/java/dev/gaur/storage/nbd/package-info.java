/**
 * The NBD client: disks that another program serves.
 *
 * <p>Entry classes: {@link dev.gaur.storage.nbd.NbdClient} for programs that speak NBD, {@link
 * dev.gaur.storage.nbd.NbdDriver} for all that works with storage. A request is the thread of its
 * caller from top to bottom: it sends, and of those who wait for an answer one receives for all
 * ({@code Session}). A server's word is checked like an image's: limits before memory, answers only
 * to what was asked, no byte outside of the request's.
 *
 * <p>Locks, left to right: {@code Connections} while it connects, then in each {@code Session} that
 * of who sends, then that of the table of requests; who receives holds none.
 */
@NullMarked
package dev.gaur.storage.nbd;

import org.jspecify.annotations.NullMarked;
