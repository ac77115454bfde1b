package dev.gaur.codec;

import java.lang.foreign.MemorySegment;

/**
 * Compresses clusters, one call each.
 *
 * <p>Holds up to a few megabytes until it is closed, so make one per worker and use it again. Used
 * by one thread at a time.
 */
public interface ClusterEncoder extends AutoCloseable {

    /**
     * Compresses one cluster.
     *
     * @param source the whole cluster, a native segment of 512 bytes to 2 MiB, only read
     * @param target a native segment; what lies after the compressed bytes is undefined afterwards
     * @return the compressed length in bytes, or -1 when it would not be smaller than the source,
     *     or does not fit the target
     */
    int encode(MemorySegment source, MemorySegment target);

    /** Frees what the encoder holds; it cannot be used any more. Closing twice is harmless. */
    @Override
    void close();
}
