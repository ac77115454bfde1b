/**
 * What users of the library see: opening disk images and looking into them.
 *
 * <p>Entry class: {@link dev.gaur.Gaur}, which opens a {@link dev.gaur.DiskImage}. A channel over
 * an image holds its own monitor during each operation; nothing else here locks.
 */
@NullMarked
package dev.gaur;

import org.jspecify.annotations.NullMarked;
