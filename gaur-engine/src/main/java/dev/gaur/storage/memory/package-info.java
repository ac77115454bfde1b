/**
 * Storage that lives as long as somebody refers to it: for tests, and for targets that need not
 * outlive the program.
 *
 * <p>Entry class: {@link dev.gaur.storage.memory.MemoryStorage}, which has one read-write lock,
 * held while bytes are copied.
 */
@NullMarked
package dev.gaur.storage.memory;

import org.jspecify.annotations.NullMarked;
