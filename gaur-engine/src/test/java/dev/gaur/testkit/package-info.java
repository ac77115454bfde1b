/**
 * What tests of the engine, and of programs built on it, share: a contract suite for each
 * interface, storage that crashes, fails or stops, and a model to compare with.
 *
 * <p>Entry classes: {@link dev.gaur.testkit.BlockIoContract} for contracts; {@link
 * dev.gaur.testkit.CrashMachine}, {@link dev.gaur.testkit.FailingStorage} and {@link
 * dev.gaur.testkit.PausingStorage} for storage that behaves badly; {@link
 * dev.gaur.testkit.DiskModel} for what a disk must read as. The machine has one lock.
 */
@NullMarked
package dev.gaur.testkit;

import org.jspecify.annotations.NullMarked;
