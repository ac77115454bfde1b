/**
 * Dirty bitmaps, with QEMU as the judge: what it stored Gaur reads and follows, what Gaur stored
 * QEMU reads and follows, over NBD and through its own commands.
 *
 * <p>Entry class: {@link dev.gaur.verify.bitmap.BitmapOracleTest}. No locks.
 */
@NullMarked
package dev.gaur.verify.bitmap;

import org.jspecify.annotations.NullMarked;
