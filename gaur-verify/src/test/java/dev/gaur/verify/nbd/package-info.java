/**
 * The NBD server and its real clients: libnbd's programs and its Python module, QEMU's tools, fio.
 * Where qemu-nbd can serve the same image it is the judge of what a client sees.
 *
 * <p>Entry classes: {@link dev.gaur.verify.nbd.Served}, a server in this process on a Unix socket,
 * and {@link dev.gaur.verify.nbd.Python}, whose scripts drive it. No locks of our own.
 */
@NullMarked
package dev.gaur.verify.nbd;

import org.jspecify.annotations.NullMarked;
