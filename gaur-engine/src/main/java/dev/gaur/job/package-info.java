/**
 * Work on whole images: convert, compare, rebase and commit, in parallel and with bounded memory,
 * with progress and cancellation; and targets that appear whole or not at all.
 *
 * <p>Entry classes: {@link dev.gaur.job.Convert}, {@link dev.gaur.job.Compare}, {@link
 * dev.gaur.job.Rebase}, {@link dev.gaur.job.Commit}, {@link dev.gaur.job.NewFile}. A job runs on
 * the thread that calls it and a fixed number of workers, which are gone when it returns. Locks:
 * the monitor of what hands out ranges (reads mapping tables meanwhile) and that of the turnstile,
 * never both at once; and one that keeps a second worker from flushing.
 */
@NullMarked
package dev.gaur.job;

import org.jspecify.annotations.NullMarked;
