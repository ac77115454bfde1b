/**
 * Compresses and decompresses one cluster at a time, in both of qcow2's ways: deflate and zstd.
 *
 * <p>Start at {@link dev.gaur.codec.Codecs}; it picks the fastest implementation that this JVM can
 * use. All implementations write streams that every reader of the format accepts, and read every
 * stream that QEMU reads. Nothing native is loaded before the first encoder or decoder is made.
 *
 * <p>No locks: an encoder or decoder is used by one thread at a time.
 */
@NullMarked
package dev.gaur.codec;

import org.jspecify.annotations.NullMarked;
