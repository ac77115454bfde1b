/**
 * Check, measure and inspect against Debian's qemu-img: the same files, the same words.
 *
 * <p>Entry classes: {@link dev.gaur.verify.check.CheckOracleTest} and {@link
 * dev.gaur.verify.check.MeasureOracleTest}. No locks.
 */
@NullMarked
package dev.gaur.verify.check;

import org.jspecify.annotations.NullMarked;
