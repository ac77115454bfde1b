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
 * libzstd's simple calls with a context of one's own.
 *
 * <p>A result is a length, or negative: an error. ({@code ZSTD_isError} tests for a {@code size_t}
 * near its end, and no length has its top bit set.)
 *
 * @see <a href="https://facebook.github.io/zstd/doc/api_manual_v1.5.4.html">zstd manual</a>
 */
public final class LibZstd {

    private static final Optional<LibZstd> LIBRARY =
            NativeLibrary.bind("libzstd.so.1", LibZstd::new);

    private final MethodHandle createCCtx;
    private final MethodHandle compressCCtx;
    private final MethodHandle freeCCtx;
    private final MethodHandle createDCtx;
    private final MethodHandle findFrameCompressedSize;
    private final MethodHandle decompressDCtx;
    private final MethodHandle freeDCtx;

    private LibZstd(NativeLibrary library) {
        var create = FunctionDescriptor.of(ADDRESS);
        var free = FunctionDescriptor.of(JAVA_LONG, ADDRESS);
        var size = FunctionDescriptor.of(JAVA_LONG, ADDRESS, JAVA_LONG);
        var code =
                FunctionDescriptor.of(JAVA_LONG, ADDRESS, ADDRESS, JAVA_LONG, ADDRESS, JAVA_LONG);
        createCCtx = library.function("ZSTD_createCCtx", create);
        compressCCtx = library.function("ZSTD_compressCCtx", code.appendArgumentLayouts(JAVA_INT));
        freeCCtx = library.function("ZSTD_freeCCtx", free);
        createDCtx = library.function("ZSTD_createDCtx", create);
        findFrameCompressedSize = library.function("ZSTD_findFrameCompressedSize", size);
        decompressDCtx = library.function("ZSTD_decompressDCtx", code);
        freeDCtx = library.function("ZSTD_freeDCtx", free);
    }

    /** The library, bound at the first call; empty when it cannot be used here. */
    public static Optional<LibZstd> library() {
        return LIBRARY;
    }

    /**
     * {@code ZSTD_createCCtx}.
     *
     * @param arena closing it calls {@code ZSTD_freeCCtx}
     * @return an opaque pointer, used by one thread at a time
     */
    public MemorySegment ZSTD_createCCtx(Arena arena) {
        try {
            var context = (MemorySegment) createCCtx.invokeExact();
            return NativeLibrary.owned(context, arena, it -> free(freeCCtx, it));
        } catch (Throwable thrown) {
            throw NativeLibrary.rethrow(thrown);
        }
    }

    /** {@code ZSTD_compressCCtx}: one frame, with its content size and no checksum. */
    public long ZSTD_compressCCtx(
            MemorySegment context, MemorySegment target, MemorySegment source, int level) {
        try {
            return (long)
                    compressCCtx.invokeExact(
                            context, target, target.byteSize(), source, source.byteSize(), level);
        } catch (Throwable thrown) {
            throw NativeLibrary.rethrow(thrown);
        }
    }

    /**
     * {@code ZSTD_createDCtx}.
     *
     * @param arena closing it calls {@code ZSTD_freeDCtx}
     * @return an opaque pointer, used by one thread at a time
     */
    public MemorySegment ZSTD_createDCtx(Arena arena) {
        try {
            var context = (MemorySegment) createDCtx.invokeExact();
            return NativeLibrary.owned(context, arena, it -> free(freeDCtx, it));
        } catch (Throwable thrown) {
            throw NativeLibrary.rethrow(thrown);
        }
    }

    /** {@code ZSTD_findFrameCompressedSize}: length of the frame that the buffer begins with. */
    public long ZSTD_findFrameCompressedSize(MemorySegment source) {
        try {
            return (long) findFrameCompressedSize.invokeExact(source, source.byteSize());
        } catch (Throwable thrown) {
            throw NativeLibrary.rethrow(thrown);
        }
    }

    /**
     * {@code ZSTD_decompressDCtx}: whole frames, straight into the target, without a window buffer.
     */
    public long ZSTD_decompressDCtx(
            MemorySegment context, MemorySegment target, MemorySegment source) {
        try {
            return (long)
                    decompressDCtx.invokeExact(
                            context, target, target.byteSize(), source, source.byteSize());
        } catch (Throwable thrown) {
            throw NativeLibrary.rethrow(thrown);
        }
    }

    private static void free(MethodHandle function, MemorySegment context) {
        try {
            long _ = (long) function.invokeExact(context);
        } catch (Throwable thrown) {
            throw NativeLibrary.rethrow(thrown);
        }
    }
}
