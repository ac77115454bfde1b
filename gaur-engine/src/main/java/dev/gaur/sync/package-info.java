/**
 * How threads meet: {@link dev.gaur.sync.Gate} lets requests in and waits for them to leave before
 * closing, {@link dev.gaur.sync.Epoch} before something else, {@link dev.gaur.sync.RangeLock} keeps
 * those apart that change the same range, {@link dev.gaur.sync.Waiting} waits whatever interrupts,
 * {@link dev.gaur.sync.Together} has several threads do what one would wait for.
 *
 * <p>Nothing here holds a lock while other code runs.
 */
@NullMarked
package dev.gaur.sync;

import org.jspecify.annotations.NullMarked;
