package dev.gaur.codec;

import dev.gaur.ffi.LibZstd;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/** Zstandard with libzstd: one frame per cluster. */
final class LibZstdEncoder implements ClusterEncoder {

    private final LibZstd library;
    private final int level;
    private final Arena arena = Arena.ofShared();
    private final MemorySegment context;

    LibZstdEncoder(LibZstd library, int level) {
        this.library = library;
        this.level = level;
        this.context = library.ZSTD_createCCtx(arena);
    }

    @Override
    public int encode(MemorySegment source, MemorySegment target) {
        long room = Math.min(target.byteSize(), source.byteSize() - 1);
        long length = library.ZSTD_compressCCtx(context, target.asSlice(0, room), source, level);
        return length < 0 ? -1 : (int) length;
    }

    @Override
    public void close() {
        if (arena.scope().isAlive()) {
            arena.close();
        }
    }
}
