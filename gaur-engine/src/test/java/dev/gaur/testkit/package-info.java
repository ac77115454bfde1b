/**
 * What tests of the engine, and of programs built on it, share: a contract suite for each
 * interface.
 *
 * <p>Entry class: {@link dev.gaur.testkit.BlockIoContract}. No locks.
 */
@NullMarked
package dev.gaur.testkit;

import org.jspecify.annotations.NullMarked;
