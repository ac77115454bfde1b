/**
 * Dirty bitmaps: which parts of a disk were written to.
 *
 * <p>Entry class: {@link dev.gaur.bitmap.DirtyBitmap}. No locks: bits are set atomically.
 */
@NullMarked
package dev.gaur.bitmap;

import org.jspecify.annotations.NullMarked;
