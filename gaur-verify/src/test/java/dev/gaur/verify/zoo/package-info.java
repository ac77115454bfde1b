/**
 * Images to test with: made once for each test run by QEMU's own programs, so that Gaur meets what
 * it will meet outside.
 *
 * <p>Entry classes: {@link dev.gaur.verify.zoo.ImageZoo} for whole images, {@link
 * dev.gaur.verify.zoo.Specimen} for taking one apart and damaging it. The zoo is built under the
 * class lock and never changed after that.
 */
@NullMarked
package dev.gaur.verify.zoo;

import org.jspecify.annotations.NullMarked;
