/**
 * What image formats offer: opening, typed information, snapshots and bitmaps to list, checking.
 *
 * <p>Entry classes: {@link dev.gaur.format.ImageFormat}, which opens an {@link
 * dev.gaur.format.Image}. No locks.
 */
@NullMarked
package dev.gaur.format;

import org.jspecify.annotations.NullMarked;
