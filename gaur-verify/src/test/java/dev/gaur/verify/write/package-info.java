/**
 * What Gaur writes is judged by others: qemu-img reads and checks it, 7-Zip reads it.
 *
 * <p>No entry class; one test class for each command. No locks.
 */
@NullMarked
package dev.gaur.verify.write;

import org.jspecify.annotations.NullMarked;
