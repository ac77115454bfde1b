/**
 * Hostile and damaged images: whatever the bytes, Gaur says clearly what is wrong or succeeds. It
 * throws nothing but {@code BlockException}, stays within bounds of memory and time, opens nothing
 * that it was not allowed to, and changes no byte.
 *
 * <p>Entry class: {@link dev.gaur.verify.hostile.Exercise}, which does with an image all that can
 * be done. No locks; the campaign runs in a process of its own.
 */
@NullMarked
package dev.gaur.verify.hostile;

import org.jspecify.annotations.NullMarked;
