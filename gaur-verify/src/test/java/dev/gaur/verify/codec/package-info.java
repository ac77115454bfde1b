/**
 * Other programs read what our encoders write.
 *
 * <p>Entry class: {@link dev.gaur.verify.codec.ForeignReadersTest}. No locks.
 */
@NullMarked
package dev.gaur.verify.codec;

import org.jspecify.annotations.NullMarked;
