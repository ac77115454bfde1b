package dev.gaur.ffi;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.lang.ref.Reference;
import java.util.Optional;

/**
 * The deflate compressor of Intel's ISA-L ("igzip").
 *
 * <p>All methods take an {@code isal_zstream}, {@value #STREAM_BYTES} bytes or more. A stream is
 * for one thread at a time.
 *
 * @see <a href="https://github.com/intel/isa-l/blob/v2.30.0/include/igzip_lib.h">igzip_lib.h</a>
 */
public final class LibIsal {

    private static final Optional<LibIsal> LIBRARY =
            NativeLibrary.bind("libisal.so.2", LibIsal::new);

    /**
     * Room for a stream. {@code sizeof(struct isal_zstream)} is 82 384 in 2.30; the library is not
     * told the size, so there is some to spare for later versions with the same ABI number.
     */
    public static final long STREAM_BYTES = 128 << 10;

    /** {@code ISAL_DEF_LVL3_EXTRA_LARGE}, the most that any level can make use of. */
    public static final int LEVEL_BUFFER_BYTES = 610_304;

    public static final int COMP_OK = 0;
    public static final int MAX_LEVEL = 3;

    private static final long NEXT_IN = 0;
    private static final long AVAIL_IN = 8;
    private static final long NEXT_OUT = 16;
    private static final long AVAIL_OUT = 24;
    private static final long LEVEL = 40;
    private static final long LEVEL_BUF_SIZE = 44;
    private static final long LEVEL_BUF = 48;
    private static final long END_OF_STREAM = 56;
    private static final long HIST_BITS = 62;

    private final MethodHandle init;
    private final MethodHandle deflate;

    private LibIsal(NativeLibrary library) {
        init = library.function("isal_deflate_stateless_init", FunctionDescriptor.ofVoid(ADDRESS));
        deflate =
                library.function(
                        "isal_deflate_stateless", FunctionDescriptor.of(JAVA_INT, ADDRESS));
    }

    /** The library, bound at the first call; empty when it cannot be used here. */
    public static Optional<LibIsal> library() {
        return LIBRARY;
    }

    /**
     * {@code isal_deflate_stateless_init}, then sets what stays the same for all calls.
     *
     * @param level 1 to {@value #MAX_LEVEL}
     * @param histBits base-2 logarithm of the largest distance
     * @param levelBuffer at most {@value #LEVEL_BUFFER_BYTES} bytes are used; lives as long as the
     *     stream is used
     */
    public void isal_deflate_stateless_init(
            MemorySegment stream, int level, int histBits, MemorySegment levelBuffer) {
        try {
            init.invokeExact(stream);
        } catch (Throwable thrown) {
            throw NativeLibrary.rethrow(thrown);
        }
        stream.set(JAVA_INT, LEVEL, level);
        point(stream, LEVEL_BUF, LEVEL_BUF_SIZE, levelBuffer);
        stream.set(JAVA_SHORT, END_OF_STREAM, (short) 1);
        stream.set(JAVA_SHORT, HIST_BITS, (short) histBits);
    }

    /** {@code isal_deflate_stateless}: one whole stream from one buffer into another. */
    public int isal_deflate_stateless(
            MemorySegment stream, MemorySegment source, MemorySegment target) {
        point(stream, NEXT_IN, AVAIL_IN, source);
        point(stream, NEXT_OUT, AVAIL_OUT, target);
        try {
            return (int) deflate.invokeExact(stream);
        } catch (Throwable thrown) {
            throw NativeLibrary.rethrow(thrown);
        } finally {
            // A buffer that is an argument is kept open and reachable by the downcall. These two
            // are only addresses in a structure: without a fence the collector may free them.
            Reference.reachabilityFence(source);
            Reference.reachabilityFence(target);
        }
    }

    /** How many bytes of the last call's target were not used. */
    public int availOut(MemorySegment stream) {
        return stream.get(JAVA_INT, AVAIL_OUT);
    }

    /** Points a pair of fields at the whole of a native buffer. */
    private static void point(MemorySegment stream, long next, long avail, MemorySegment buffer) {
        stream.set(ADDRESS, next, buffer); // refuses heap buffers
        stream.set(JAVA_INT, avail, Math.toIntExact(buffer.byteSize()));
    }
}
