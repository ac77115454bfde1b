package dev.gaur.ffi;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;

import java.lang.foreign.MemorySegment;
import java.lang.ref.Reference;

/** The {@code next}/{@code avail} pairs that zlib and ISA-L keep in their stream structures. */
final class StreamBuffers {

    private StreamBuffers() {}

    /** Points a pair of fields at the whole of a native buffer. */
    static void set(MemorySegment stream, long next, long avail, MemorySegment buffer) {
        stream.set(ADDRESS, next, buffer); // refuses heap buffers
        stream.set(JAVA_INT, avail, Math.toIntExact(buffer.byteSize()));
    }

    /**
     * A buffer passed as an argument is kept open and reachable by the downcall itself; one whose
     * address only stands in a structure is not, and the collector may free it under C's feet.
     */
    static void keepAlive(MemorySegment source, MemorySegment target) {
        Reference.reachabilityFence(source);
        Reference.reachabilityFence(target);
    }
}
