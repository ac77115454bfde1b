package dev.gaur.codec;

import java.lang.foreign.MemorySegment;

/**
 * Decompresses clusters, one call each.
 *
 * <p>Made for damaged and malicious input: it never throws for what the source contains, reads and
 * writes only inside the two segments, needs time in proportion to their sizes, and no memory
 * beyond what it holds from the start (under a megabyte, whatever window a stream asks for). Used
 * by one thread at a time.
 */
public interface ClusterDecoder extends AutoCloseable {

    /**
     * Decompresses one cluster.
     *
     * @param source a native segment that begins with the compressed bytes; what follows them is
     *     ignored, since qcow2 stores their length in sectors only
     * @param target the whole cluster, a native segment
     * @return true when the target was filled; false when the source is damaged or too short, and
     *     then the target's content is undefined
     */
    boolean decode(MemorySegment source, MemorySegment target);

    /** Frees what the decoder holds; it cannot be used any more. Closing twice is harmless. */
    @Override
    void close();
}
