/**
 * The NBD client against servers of others: qemu-nbd and nbdkit, with filters that fail, delay, or
 * take whole blocks only.
 *
 * <p>Entry class: {@link dev.gaur.verify.nbdclient.ForeignServer}. No locks.
 */
@NullMarked
package dev.gaur.verify.nbdclient;

import org.jspecify.annotations.NullMarked;
