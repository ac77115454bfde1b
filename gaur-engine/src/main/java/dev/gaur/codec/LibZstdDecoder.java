package dev.gaur.codec;

import dev.gaur.ffi.LibZstd;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/** Zstandard with libzstd. */
final class LibZstdDecoder implements ClusterDecoder {

    private final LibZstd library;
    private final Arena arena = Arena.ofShared();
    private final MemorySegment context;

    LibZstdDecoder(LibZstd library) {
        this.library = library;
        this.context = library.ZSTD_createDCtx(arena);
    }

    @Override
    public boolean decode(MemorySegment source, MemorySegment target) {
        long read = 0;
        long written = 0;
        while (written < target.byteSize()) {
            MemorySegment frames = source.asSlice(read);
            if (!ZstdFrames.startsHere(frames)) {
                return false;
            }
            // The one-pass call needs the frame's exact length. In return it writes straight into
            // the cluster: a frame that announces a window of gigabytes costs no memory.
            long length = library.ZSTD_findFrameCompressedSize(frames);
            if (length <= 0) {
                return false;
            }
            long produced =
                    library.ZSTD_decompressDCtx(
                            context, target.asSlice(written), frames.asSlice(0, length));
            if (produced < 0) {
                return false;
            }
            read += length;
            written += produced;
        }
        return true;
    }

    @Override
    public void close() {
        if (arena.scope().isAlive()) {
            arena.close();
        }
    }
}
