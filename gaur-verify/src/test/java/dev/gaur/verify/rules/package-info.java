/**
 * The rules of the code as tests: who may use whom, and what source files look like.
 *
 * <p>Entry classes: {@link dev.gaur.verify.rules.LayerTest} reads class files, {@link
 * dev.gaur.verify.rules.TidyTest} reads sources. A new rule goes there, with a case that shows it
 * firing. No locks.
 */
@NullMarked
package dev.gaur.verify.rules;

import org.jspecify.annotations.NullMarked;
