/**
 * The native border: every call that Gaur makes into C, and nothing else.
 *
 * <p>One class per library ({@link dev.gaur.ffi.LibDeflate}, {@link dev.gaur.ffi.LibZstd} ...), one
 * method per C function with the C function's name; each returns what the function returned. Start
 * at {@link dev.gaur.ffi.NativeAccess}: it says whether native calls are allowed at all. Where they
 * are not, or a library is missing, {@code library()} of its class is empty and the caller uses its
 * pure-Java counterpart. Nothing here logs or warns.
 *
 * <p>No locks: bindings are immutable. Buffers given to a method must stay open until it returns.
 */
@NullMarked
package dev.gaur.ffi;

import org.jspecify.annotations.NullMarked;
