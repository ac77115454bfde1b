package dev.gaur.codec;

import dev.gaur.ffi.LibZ;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/** Deflate with the system's zlib and the parameters that QEMU gives it, but for the level. */
public final class LibZEncoder implements ClusterEncoder {

    /** No wrapper, and a window of 4 KiB. */
    private static final int WINDOW_BITS = -12;

    private static final int MEMORY_LEVEL = 9;

    private final LibZ library = LibZ.library().orElseThrow();
    private final Arena arena = Arena.ofShared();
    private final MemorySegment stream = arena.allocate(LibZ.STREAM_BYTES, Long.BYTES);

    /** Makes an encoder; the library must be there. */
    public LibZEncoder(int level) {
        int result = library.deflateInit2(stream, level, WINDOW_BITS, MEMORY_LEVEL);
        if (result != LibZ.Z_OK) {
            arena.close();
            throw new AssertionError("deflateInit2: " + result);
        }
    }

    @Override
    public int encode(MemorySegment source, MemorySegment target) {
        long room = Math.min(target.byteSize(), source.byteSize() - 1);
        int result = library.deflate(stream, source, target.asSlice(0, room));
        int length = (int) room - library.availOut(stream);
        library.deflateReset(stream);
        return result == LibZ.Z_STREAM_END ? length : -1;
    }

    @Override
    public void close() {
        if (arena.scope().isAlive()) {
            library.deflateEnd(stream);
            arena.close();
        }
    }
}
