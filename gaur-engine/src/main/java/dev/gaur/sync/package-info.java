/**
 * How threads meet: {@link dev.gaur.sync.Gate} lets requests in and waits for them to leave.
 *
 * <p>Nothing here holds a lock while other code runs.
 */
@NullMarked
package dev.gaur.sync;

import org.jspecify.annotations.NullMarked;
