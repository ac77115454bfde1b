/**
 * {@code gaur bench figures}: measures qcow2 against raw as the talk behind Gaur did, on the user's
 * machine, and draws the figures.
 *
 * <p>Entry class: {@link dev.gaur.cli.figures.FigureRun}. What is measured stands in {@code
 * Catalogue}: figures, each of kinds of images ({@code Variant}) and of requests ({@code Pattern}).
 * A {@code Measured} is one of each, through the API or through NBD; {@code FigureRun} goes round
 * by round through all of them and gathers a {@code Sample} for each; a {@code Report} holds what
 * came out, and is written as text, JSON and HTML.
 *
 * <p>A run takes minutes, so the time to start counts for nothing here. One thread measures; the
 * only lock is that of {@code Workplace}, which a signal may close at any time.
 */
@NullMarked
package dev.gaur.cli.figures;

import org.jspecify.annotations.NullMarked;
