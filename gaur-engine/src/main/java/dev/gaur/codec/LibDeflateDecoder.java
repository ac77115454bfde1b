package dev.gaur.codec;

import static dev.gaur.ffi.LibDeflate.LIBDEFLATE_SHORT_OUTPUT;
import static dev.gaur.ffi.LibDeflate.LIBDEFLATE_SUCCESS;

import dev.gaur.ffi.LibDeflate;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/** Deflate with libdeflate, twice as fast as zlib. */
final class LibDeflateDecoder implements ClusterDecoder {

    private final LibDeflate library;
    private final Arena arena = Arena.ofShared();
    private final MemorySegment decompressor;
    private final JdkInflateDecoder lenient = new JdkInflateDecoder();

    LibDeflateDecoder(LibDeflate library) {
        this.library = library;
        this.decompressor = library.libdeflate_alloc_decompressor(arena);
    }

    @Override
    public boolean decode(MemorySegment source, MemorySegment target) {
        return switch (library.libdeflate_deflate_decompress(decompressor, source, target)) {
            case LIBDEFLATE_SUCCESS -> true;
            case LIBDEFLATE_SHORT_OUTPUT -> false;
            // libdeflate insists on a stream that ends where the cluster does. QEMU is content with
            // a full cluster, also when the stream goes on after it or is cut off: zlib decides.
            default -> lenient.decode(source, target);
        };
    }

    @Override
    public void close() {
        lenient.close();
        if (arena.scope().isAlive()) {
            arena.close();
        }
    }
}
