/**
 * Other programs as judges: over the whole zoo, Gaur reads the bytes that QEMU reads, maps, checks
 * and describes images in QEMU's words, and what Gaur writes stands up to QEMU's check, compare and
 * writes, and to 7-Zip as a third reader.
 *
 * <p>Entry class: none, each test stands alone. No locks.
 */
@NullMarked
package dev.gaur.verify.oracle;

import org.jspecify.annotations.NullMarked;
