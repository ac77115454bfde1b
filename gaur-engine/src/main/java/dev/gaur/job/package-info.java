/**
 * Work on whole images: convert and compare, in parallel and with bounded memory, with progress and
 * cancellation; and targets that appear whole or not at all.
 *
 * <p>Entry classes: {@link dev.gaur.job.Convert}, {@link dev.gaur.job.Compare}, {@link
 * dev.gaur.job.NewFile}. A job runs on the thread that calls it and a fixed number of workers,
 * which are gone when it returns. Locks: the monitor of the chunk source (reads mapping tables of
 * the source) and that of the turnstile, never both at once.
 */
@NullMarked
package dev.gaur.job;

import org.jspecify.annotations.NullMarked;
