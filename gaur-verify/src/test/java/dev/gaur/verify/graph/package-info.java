/**
 * Tests of whole graphs against QEMU's programs: chains of images, the locks of running processes,
 * the library as its README shows it.
 *
 * <p>Entry class: {@link dev.gaur.verify.graph.ChainTest}. No locks of our own.
 */
@NullMarked
package dev.gaur.verify.graph;

import org.jspecify.annotations.NullMarked;
