/**
 * Benchmarks: JMH for kernels, whole commands against their peers.
 *
 * <p>Entry class: each benchmark is its own. No locks.
 */
@NullMarked
package dev.gaur.bench;

import org.jspecify.annotations.NullMarked;
