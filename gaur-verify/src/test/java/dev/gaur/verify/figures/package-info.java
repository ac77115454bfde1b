/**
 * {@code gaur bench figures} as users start it: what it prints and draws, how it ends. Entry class:
 * {@link dev.gaur.verify.figures.FiguresTest}. No test looks at how fast anything was.
 */
@NullMarked
package dev.gaur.verify.figures;

import org.jspecify.annotations.NullMarked;
