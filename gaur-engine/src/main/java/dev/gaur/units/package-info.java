/**
 * Sizes as people write and read them: {@code 1.5G}, {@code 0x1000}, {@code 196 KiB}.
 *
 * <p>Entry class: {@link dev.gaur.units.Sizes}. No state, no locks.
 */
@NullMarked
package dev.gaur.units;

import org.jspecify.annotations.NullMarked;
