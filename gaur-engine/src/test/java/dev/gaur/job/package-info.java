/** Tests of work on whole images. */
@NullMarked
package dev.gaur.job;

import org.jspecify.annotations.NullMarked;
