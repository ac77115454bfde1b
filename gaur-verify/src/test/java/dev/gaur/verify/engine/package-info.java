/**
 * Evidence that the write engine never loses a byte: random work against a model, the same work
 * through QEMU, every storage call failing once, a crash at every moment, all short sequences, many
 * threads.
 *
 * <p>Entry classes: {@link dev.gaur.verify.engine.TestImage}, an image whose files a test holds;
 * {@link dev.gaur.verify.engine.Workload}, random operations; {@link
 * dev.gaur.verify.engine.Session}, which does them to an image and to a model of it. No locks.
 */
@NullMarked
package dev.gaur.verify.engine;

import org.jspecify.annotations.NullMarked;
