/**
 * Tests of the whole: rules of the code, other programs as judges, hostile images, the launcher.
 *
 * <p>Entry class: none, each test stands alone. No locks.
 */
@NullMarked
package dev.gaur.verify;

import org.jspecify.annotations.NullMarked;
