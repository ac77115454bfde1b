package dev.gaur.format.qcow2;

import dev.gaur.block.BlockEvent;
import dev.gaur.block.BlockException;
import dev.gaur.block.StorageNode;
import dev.gaur.codec.ClusterDecoder;
import dev.gaur.codec.Codecs;
import dev.gaur.codec.Compression;
import dev.gaur.mem.BufferPool;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.jspecify.annotations.Nullable;

/**
 * Reads compressed clusters. Streams that lie close together in the file are read by one request;
 * whole clusters are decompressed straight into the caller's buffer, and the last clusters of which
 * only a part was wanted are kept, so that small reads do not decompress each cluster many times.
 *
 * <p>Safe for many threads, each of which decompresses for itself.
 */
final class CompressedClusters implements AutoCloseable {
    /** How far the streams read by one request may reach: as much as readahead does. */
    private static final int GATHER_BYTES = 512 << 10;

    /** More unused bytes between two streams than this are not read along. */
    private static final int GAP_BYTES = 16 << 10;

    private static final int BUFFERS_KEPT = 8;

    private final StorageNode file;
    private final Geometry geometry;
    private final Compression compression;
    private final int streamsMax;
    private final BufferPool streamBuffers;
    private final BufferPool clusterBuffers;
    private final ConcurrentLinkedQueue<ClusterDecoder> decoders = new ConcurrentLinkedQueue<>();
    private final ClusterLru recent;
    private volatile boolean closed;

    CompressedClusters(StorageNode file, Geometry geometry, Compression compression) {
        this.file = file;
        this.geometry = geometry;
        this.compression = compression;
        // The sector count of an entry allows streams of up to two clusters.
        this.streamsMax = Math.max(GATHER_BYTES, 2 * geometry.clusterSize());
        this.streamBuffers = new BufferPool(streamsMax, BUFFERS_KEPT);
        this.clusterBuffers = new BufferPool(geometry.clusterSize(), BUFFERS_KEPT);
        this.recent = new ClusterLru(geometry.clusterSize());
    }

    /**
     * Reads a part of one cluster if it is still in memory.
     *
     * @return whether {@code target} is filled
     */
    boolean readRecent(Run run, MemorySegment target) {
        byte @Nullable [] cluster = recent.get(run.hostOffset());
        if (cluster == null) {
            return false;
        }
        copyPart(MemorySegment.ofArray(cluster), run, target);
        return true;
    }

    private void copyPart(MemorySegment cluster, Run run, MemorySegment target) {
        long from = geometry.offsetInCluster(run.guestOffset());
        MemorySegment.copy(cluster, from, target, 0, run.length());
    }

    /**
     * Reads a compressed run, and those after it as far as they lie in the file one after the
     * other.
     *
     * @param first where {@code target} begins
     * @return how many bytes at the start of {@code target} were filled
     */
    long read(ClusterMap map, Run first, MemorySegment target) {
        if (readRecent(first, target.asSlice(0, first.length()))) {
            return first.length();
        }
        List<Run> runs = gather(map, first, target.byteSize());
        long start = first.hostOffset();
        long end = storedEnd(runs.getLast());
        for (Run each : runs) {
            end = Math.max(end, storedEnd(each));
        }
        long length = Math.min(end, file.length()) - start;
        if (length <= 0) {
            throw Tables.truncated(file, "compressed cluster", start, end);
        }
        try (BufferPool.Lease lease = streamBuffers.lease()) {
            MemorySegment streams = lease.segment(length);
            file.event(BlockEvent.READ_COMPRESSED);
            file.read(start, streams);
            for (Run each : runs) {
                MemorySegment part =
                        target.asSlice(each.guestOffset() - first.guestOffset(), each.length());
                long from = Math.min(each.hostOffset() - start, length);
                long to = Math.min(storedEnd(each) - start, length);
                decode(each, streams.asSlice(from, to - from), part);
            }
        }
        return runs.getLast().end() - first.guestOffset();
    }

    private static long storedEnd(Run run) {
        return run.hostOffset() + run.storedBytes();
    }

    /** The runs from {@code first} on whose streams follow each other and fit in one buffer. */
    private List<Run> gather(ClusterMap map, Run first, long length) {
        List<Run> runs = new ArrayList<>();
        Run last = first;
        runs.add(first);
        while (last.end() < first.guestOffset() + length) {
            Run next = map.find(last.end(), first.guestOffset() + length - last.end());
            long gap = next.hostOffset() - storedEnd(last);
            if (next.kind() != L2Entry.Kind.COMPRESSED
                    || next.hostOffset() < last.hostOffset()
                    || gap > GAP_BYTES
                    || storedEnd(next) - first.hostOffset() > streamsMax) {
                break;
            }
            runs.add(next);
            last = next;
        }
        return runs;
    }

    /** Decompresses one cluster and hands on what is wanted of it. */
    private void decode(Run run, MemorySegment stream, MemorySegment target) {
        int clusterSize = geometry.clusterSize();
        if (target.byteSize() == clusterSize && target.isNative()) {
            decompress(run, stream, target);
            return;
        }
        try (BufferPool.Lease lease = clusterBuffers.lease()) {
            MemorySegment cluster = lease.segment();
            decompress(run, stream, cluster);
            copyPart(cluster, run, target);
            if (target.byteSize() < clusterSize) {
                byte[] copy = new byte[clusterSize];
                MemorySegment.ofArray(copy).copyFrom(cluster);
                recent.put(run.hostOffset(), copy);
            }
        }
    }

    private void decompress(Run run, MemorySegment stream, MemorySegment cluster) {
        ClusterDecoder decoder = decoders.poll();
        if (decoder == null) {
            decoder = Codecs.decoder(compression);
        }
        boolean filled = decoder.decode(stream, cluster);
        decoders.add(decoder);
        if (closed) {
            close();
        }
        if (!filled) {
            throw failed(run, stream.byteSize());
        }
    }

    private BlockException failed(Run run, long present) {
        if (present < run.storedBytes() && storedEnd(run) > file.length()) {
            return Tables.truncated(file, "compressed cluster", run.hostOffset(), storedEnd(run));
        }
        return new BlockException.Corrupt(
                file.name(),
                "compressed cluster",
                run.hostOffset(),
                "the %s stream of guest offset 0x%x does not give %d bytes"
                        .formatted(
                                compression.optionValue(),
                                geometry.alignDown(run.guestOffset()),
                                geometry.clusterSize()));
    }

    /**
     * Says that another stream will lie at a place. Who may still read the old one there has left
     * by then, since the place was free.
     */
    void forget(long hostOffset) {
        recent.remove(hostOffset);
    }

    /** The same for all places. */
    void forgetAll() {
        recent.clear();
    }

    /** Frees the decoders; those at work are freed when they are done. */
    @Override
    public void close() {
        closed = true;
        for (ClusterDecoder each = decoders.poll(); each != null; each = decoders.poll()) {
            each.close();
        }
    }
}
