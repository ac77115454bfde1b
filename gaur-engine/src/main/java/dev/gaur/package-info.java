/**
 * What users of the library see: opening images, looking into them, copying them.
 *
 * <p>Entry class: {@link dev.gaur.Version} says which Gaur this is. No locks are taken here.
 */
@NullMarked
package dev.gaur;

import org.jspecify.annotations.NullMarked;
