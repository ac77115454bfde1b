/**
 * JSON text, written as QEMU writes it.
 *
 * <p>Entry class: {@link dev.gaur.json.JsonWriter}. Writing is our own, since the text must match
 * QEMU's byte for byte and loading a library's generator costs {@code info} a sixth of its time;
 * reading uses jackson-core. No locks: a writer belongs to one thread.
 */
@NullMarked
package dev.gaur.json;

import org.jspecify.annotations.NullMarked;
