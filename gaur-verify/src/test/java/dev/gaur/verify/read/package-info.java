/**
 * Reading against QEMU: whatever is in the zoo, Gaur and {@code qemu-img} have to see the same
 * bytes, and to say the same of how they are stored.
 *
 * <p>Entry class: {@link dev.gaur.verify.read.MapTest}. No locks.
 */
@NullMarked
package dev.gaur.verify.read;

import org.jspecify.annotations.NullMarked;
