package dev.gaur.ffi;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.util.Optional;

/**
 * libdeflate's decompressor. (Its compressor has no choice of a window.)
 *
 * @see <a href="https://github.com/ebiggers/libdeflate/blob/v1.14/libdeflate.h">libdeflate.h</a>
 */
public final class LibDeflate {

    private static final Optional<LibDeflate> LIBRARY =
            NativeLibrary.bind("libdeflate.so.0", LibDeflate::new);

    public static final int LIBDEFLATE_SUCCESS = 0;
    public static final int LIBDEFLATE_SHORT_OUTPUT = 2;

    private final MethodHandle alloc;
    private final MethodHandle decompress;
    private final MethodHandle free;

    private LibDeflate(NativeLibrary library) {
        alloc = library.function("libdeflate_alloc_decompressor", FunctionDescriptor.of(ADDRESS));
        decompress =
                library.function(
                        "libdeflate_deflate_decompress",
                        FunctionDescriptor.of(
                                JAVA_INT, ADDRESS, ADDRESS, JAVA_LONG, ADDRESS, JAVA_LONG,
                                ADDRESS));
        free = library.function("libdeflate_free_decompressor", FunctionDescriptor.ofVoid(ADDRESS));
    }

    /** The library, bound at the first call; empty when it cannot be used here. */
    public static Optional<LibDeflate> library() {
        return LIBRARY;
    }

    /**
     * {@code libdeflate_alloc_decompressor}.
     *
     * @param arena closing it calls {@code libdeflate_free_decompressor}
     * @return an opaque pointer, used by one thread at a time
     */
    public MemorySegment libdeflate_alloc_decompressor(Arena arena) {
        try {
            return NativeLibrary.owned((MemorySegment) alloc.invokeExact(), arena, this::free);
        } catch (Throwable thrown) {
            throw NativeLibrary.rethrow(thrown);
        }
    }

    /**
     * {@code libdeflate_deflate_decompress}, for a known size of the output: the target's.
     *
     * @return {@link #LIBDEFLATE_SUCCESS} when the stream ended and the target was full
     */
    public int libdeflate_deflate_decompress(
            MemorySegment decompressor, MemorySegment source, MemorySegment target) {
        try {
            return (int)
                    decompress.invokeExact(
                            decompressor,
                            source,
                            source.byteSize(),
                            target,
                            target.byteSize(),
                            MemorySegment.NULL);
        } catch (Throwable thrown) {
            throw NativeLibrary.rethrow(thrown);
        }
    }

    private void free(MemorySegment decompressor) {
        try {
            free.invokeExact(decompressor);
        } catch (Throwable thrown) {
            throw NativeLibrary.rethrow(thrown);
        }
    }
}
