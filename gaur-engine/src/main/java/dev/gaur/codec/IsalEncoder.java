package dev.gaur.codec;

import dev.gaur.ffi.LibIsal;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/** Deflate with Intel's ISA-L: many times as fast as zlib, with larger output. */
final class IsalEncoder implements ClusterEncoder {

    /** Distances of up to 4 KiB. */
    private static final int HISTORY_BITS = 12;

    private final LibIsal library;
    private final Arena arena = Arena.ofShared();
    private final MemorySegment stream = arena.allocate(LibIsal.STREAM_BYTES, Long.BYTES);

    IsalEncoder(LibIsal library, int level) {
        this.library = library;
        MemorySegment levelBuffer = arena.allocate(LibIsal.LEVEL_BUFFER_BYTES, Long.BYTES);
        library.isal_deflate_stateless_init(stream, level, HISTORY_BITS, levelBuffer);
    }

    @Override
    public int encode(MemorySegment source, MemorySegment target) {
        long room = Math.min(target.byteSize(), source.byteSize() - 1);
        int result = library.isal_deflate_stateless(stream, source, target.asSlice(0, room));
        return result == LibIsal.COMP_OK ? (int) room - library.availOut(stream) : -1;
    }

    @Override
    public void close() {
        if (arena.scope().isAlive()) {
            arena.close();
        }
    }
}
