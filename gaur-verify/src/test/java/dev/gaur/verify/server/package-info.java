/**
 * The NBD server against the rest of the world: TLS with other programs, peers that mean harm, and
 * those that just behave badly.
 */
@NullMarked
package dev.gaur.verify.server;

import org.jspecify.annotations.NullMarked;
