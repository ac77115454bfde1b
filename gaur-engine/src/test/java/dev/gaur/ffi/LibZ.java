package dev.gaur.ffi;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.lang.ref.Reference;
import java.util.Optional;

/**
 * zlib's compressor, which QEMU uses: what our own output is measured against.
 *
 * <p>All methods take a {@code z_stream} of {@value #STREAM_BYTES} bytes, zeroed by the caller, and
 * return zlib's result codes. A stream is for one thread at a time.
 *
 * @see <a href="https://zlib.net/manual.html">zlib manual</a>
 */
public final class LibZ {

    private static final Optional<LibZ> LIBRARY = NativeLibrary.bind("libz.so.1", LibZ::new);

    /** {@code sizeof(z_stream)}; {@link #deflateInit2} fails if the library disagrees. */
    public static final int STREAM_BYTES = 112;

    public static final int Z_OK = 0;
    public static final int Z_STREAM_END = 1;

    private static final int Z_DEFLATED = 8;
    private static final int Z_DEFAULT_STRATEGY = 0;
    private static final int Z_FINISH = 4;

    private static final long NEXT_IN = 0;
    private static final long AVAIL_IN = 8;
    private static final long NEXT_OUT = 24;
    private static final long AVAIL_OUT = 32;

    private final MethodHandle zlibVersion;
    private final MethodHandle deflateInit2;
    private final MethodHandle deflate;
    private final MethodHandle deflateReset;
    private final MethodHandle deflateEnd;

    private LibZ(NativeLibrary library) {
        var ofStream = FunctionDescriptor.of(JAVA_INT, ADDRESS);
        zlibVersion = library.function("zlibVersion", FunctionDescriptor.of(ADDRESS));
        deflateInit2 =
                library.function(
                        "deflateInit2_",
                        FunctionDescriptor.of(
                                JAVA_INT, ADDRESS, JAVA_INT, JAVA_INT, JAVA_INT, JAVA_INT, JAVA_INT,
                                ADDRESS, JAVA_INT));
        deflate = library.function("deflate", FunctionDescriptor.of(JAVA_INT, ADDRESS, JAVA_INT));
        deflateReset = library.function("deflateReset", ofStream);
        deflateEnd = library.function("deflateEnd", ofStream);
    }

    /** The library, bound at the first call; empty when it cannot be used here. */
    public static Optional<LibZ> library() {
        return LIBRARY;
    }

    /**
     * {@code deflateInit2}, with deflate as the method and the default strategy.
     *
     * @param level 0 to 9
     * @param windowBits negative for a stream without wrapper
     * @param memLevel 1 to 9
     */
    public int deflateInit2(MemorySegment stream, int level, int windowBits, int memLevel) {
        try {
            var version = (MemorySegment) zlibVersion.invokeExact();
            return (int)
                    deflateInit2.invokeExact(
                            stream,
                            level,
                            Z_DEFLATED,
                            windowBits,
                            memLevel,
                            Z_DEFAULT_STRATEGY,
                            version,
                            STREAM_BYTES);
        } catch (Throwable thrown) {
            throw NativeLibrary.rethrow(thrown);
        }
    }

    /** {@code deflate(stream, Z_FINISH)} from the whole of one buffer into another. */
    public int deflate(MemorySegment stream, MemorySegment source, MemorySegment target) {
        stream.set(ADDRESS, NEXT_IN, source);
        stream.set(JAVA_INT, AVAIL_IN, Math.toIntExact(source.byteSize()));
        stream.set(ADDRESS, NEXT_OUT, target);
        stream.set(JAVA_INT, AVAIL_OUT, Math.toIntExact(target.byteSize()));
        try {
            return (int) deflate.invokeExact(stream, Z_FINISH);
        } catch (Throwable thrown) {
            throw NativeLibrary.rethrow(thrown);
        } finally {
            Reference.reachabilityFence(source);
            Reference.reachabilityFence(target);
        }
    }

    /** How many bytes of the last {@link #deflate}'s target were not used. */
    public int availOut(MemorySegment stream) {
        return stream.get(JAVA_INT, AVAIL_OUT);
    }

    /** {@code deflateReset}. */
    public int deflateReset(MemorySegment stream) {
        try {
            return (int) deflateReset.invokeExact(stream);
        } catch (Throwable thrown) {
            throw NativeLibrary.rethrow(thrown);
        }
    }

    /** {@code deflateEnd}: frees what the stream holds. */
    public int deflateEnd(MemorySegment stream) {
        try {
            return (int) deflateEnd.invokeExact(stream);
        } catch (Throwable thrown) {
            throw NativeLibrary.rethrow(thrown);
        }
    }
}
