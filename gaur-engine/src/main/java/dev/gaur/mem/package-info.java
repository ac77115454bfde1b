/**
 * Buffers: aligned native memory that is leased and given back, big-endian access to it, the search
 * for zeros, and zeros to be written.
 *
 * <p>Entry classes: {@link dev.gaur.mem.BufferPool} for memory, {@link dev.gaur.mem.Bytes} for what
 * is in it. No locks; the pool is safe for use by many threads.
 */
@NullMarked
package dev.gaur.mem;

import org.jspecify.annotations.NullMarked;
