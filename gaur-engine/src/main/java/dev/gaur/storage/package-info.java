/**
 * Where images lie and what may be opened: locations, drivers, and the policy for everything that
 * an image itself names.
 *
 * <p>Entry classes: {@link dev.gaur.storage.StorageDriver} and {@link dev.gaur.storage.OpenPolicy}.
 * No locks.
 */
@NullMarked
package dev.gaur.storage;

import org.jspecify.annotations.NullMarked;
