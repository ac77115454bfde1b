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

    /**
     * The one shape of all calls, since each new one costs the JVM milliseconds: the longest list
     * of arguments. A function does not look at those behind its own; see {@link Posix}.
     */
    private static final FunctionDescriptor SHAPE =
            FunctionDescriptor.of(
                    JAVA_LONG, ADDRESS, ADDRESS, JAVA_LONG, ADDRESS, JAVA_LONG, JAVA_INT);

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
        createCCtx = library.function("ZSTD_createCCtx", SHAPE);
        compressCCtx = library.function("ZSTD_compressCCtx", SHAPE);
        freeCCtx = library.function("ZSTD_freeCCtx", SHAPE);
        createDCtx = library.function("ZSTD_createDCtx", SHAPE);
        findFrameCompressedSize = library.function("ZSTD_findFrameCompressedSize", SHAPE);
        decompressDCtx = library.function("ZSTD_decompressDCtx", SHAPE);
        freeDCtx = library.function("ZSTD_freeDCtx", SHAPE);
    }

    private static long call(
            MethodHandle function,
            MemorySegment first,
            MemorySegment second,
            long secondSize,
            MemorySegment third,
            long thirdSize,
            int level) {
        try {
            return (long) function.invokeExact(first, second, secondSize, third, thirdSize, level);
        } catch (Throwable thrown) {
            throw NativeLibrary.rethrow(thrown);
        }
    }

    private static long call(MethodHandle function, MemorySegment first, MemorySegment second) {
        return call(function, first, second, 0, MemorySegment.NULL, 0, 0);
    }

    private static MemorySegment create(MethodHandle create, MethodHandle free, Arena arena) {
        long context = call(create, MemorySegment.NULL, MemorySegment.NULL);
        return NativeLibrary.owned(
                MemorySegment.ofAddress(context),
                arena,
                it -> {
                    long _ = call(free, it, MemorySegment.NULL);
                });
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
        return create(createCCtx, freeCCtx, arena);
    }

    /** {@code ZSTD_compressCCtx}: one frame, with its content size and no checksum. */
    public long ZSTD_compressCCtx(
            MemorySegment context, MemorySegment target, MemorySegment source, int level) {
        return call(
                compressCCtx, context, target, target.byteSize(), source, source.byteSize(), level);
    }

    /**
     * {@code ZSTD_createDCtx}.
     *
     * @param arena closing it calls {@code ZSTD_freeDCtx}
     * @return an opaque pointer, used by one thread at a time
     */
    public MemorySegment ZSTD_createDCtx(Arena arena) {
        return create(createDCtx, freeDCtx, arena);
    }

    /** {@code ZSTD_findFrameCompressedSize}: length of the frame that the buffer begins with. */
    public long ZSTD_findFrameCompressedSize(MemorySegment source) {
        MemorySegment size = MemorySegment.ofAddress(source.byteSize());
        return call(findFrameCompressedSize, source, size);
    }

    /**
     * {@code ZSTD_decompressDCtx}: whole frames, straight into the target, without a window buffer.
     */
    public long ZSTD_decompressDCtx(
            MemorySegment context, MemorySegment target, MemorySegment source) {
        return call(
                decompressDCtx, context, target, target.byteSize(), source, source.byteSize(), 0);
    }
}
