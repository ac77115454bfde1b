/**
 * Nodes that change what passes between two others, or make it up: storage that is a part of
 * another one, that answers without a disk, that fails or stops where a test wants it to; images
 * that keep what they read from their backing file, or compress all that is written. {@code
 * PassingNode} is the base of those that pass requests on.
 *
 * <p>Entry classes: {@link dev.gaur.filter.BlkDebug} for tests, {@link dev.gaur.filter.CopyOnRead}.
 * Copy-on-read and compression let whole requests pass in parallel and hold a lock of their own
 * while they read what they then write; what is below them does not know of it. {@code BlkDebug}
 * holds its monitor only while it looks at its rules.
 */
@NullMarked
package dev.gaur.filter;

import org.jspecify.annotations.NullMarked;
