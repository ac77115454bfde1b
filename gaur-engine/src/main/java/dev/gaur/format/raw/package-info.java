/**
 * The raw format: the file is the disk.
 *
 * <p>Entry class: {@link dev.gaur.format.raw.RawFormat}. No locks.
 */
@NullMarked
package dev.gaur.format.raw;

import org.jspecify.annotations.NullMarked;
