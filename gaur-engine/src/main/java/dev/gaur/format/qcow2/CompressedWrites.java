package dev.gaur.format.qcow2;

import dev.gaur.block.BlockEvent;
import dev.gaur.block.BlockException;
import dev.gaur.block.Durability;
import dev.gaur.block.StorageNode;
import dev.gaur.codec.ClusterEncoder;
import dev.gaur.codec.Codecs;
import dev.gaur.codec.Compression;
import dev.gaur.mem.BufferPool;
import dev.gaur.sync.RangeLock;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.ConcurrentLinkedQueue;

/**
 * Stores clusters compressed: stream written, then linked (Q2). Threads compress side by side and
 * meet only where places are given.
 *
 * <p>Locks: a claim on the guest cluster.
 *
 * <p>Source: the specification, "Compressed Clusters Descriptor".
 */
final class CompressedWrites implements AutoCloseable {
    private static final int BUFFERS_KEPT = 8;

    private final StorageNode file;
    private final Geometry geometry;
    private final Compression compression;
    private final StreamPlaces places;
    private final CompressedClusters reader;
    private final ClusterSet metadata;
    private final Linker linker;
    private final WritePath writePath;
    private final RangeLock claims;
    private final Health health;
    private final BufferPool buffers;
    private final ConcurrentLinkedQueue<ClusterEncoder> encoders = new ConcurrentLinkedQueue<>();

    CompressedWrites(
            StorageNode file,
            Header header,
            ClusterAllocator allocator,
            ClusterSet metadata,
            Linker linker,
            WritePath writePath,
            RangeLock claims,
            Health health,
            CompressedClusters reader) {
        this.file = file;
        this.reader = reader;
        this.geometry = header.geometry();
        this.compression =
                Compression.ofNumber(header.compressionType()).orElseThrow(AssertionError::new);
        this.places = new StreamPlaces(file, allocator, geometry);
        this.metadata = metadata;
        this.linker = linker;
        this.writePath = writePath;
        this.claims = claims;
        this.health = health;
        this.buffers = new BufferPool(2 * geometry.clusterSize(), BUFFERS_KEPT);
    }

    /**
     * Writes whole clusters.
     *
     * @param guestOffset of a cluster
     * @param source of whole clusters; the last one of the disk may be short
     */
    void write(View view, long guestOffset, MemorySegment source) {
        int size = geometry.clusterSize();
        boolean whole =
                geometry.isAligned(guestOffset)
                        && (geometry.isAligned(source.byteSize())
                                || guestOffset + source.byteSize() == view.length());
        if (!whole) {
            throw new IllegalArgumentException(
                    "offset %d and length %d are not whole clusters"
                            .formatted(guestOffset, source.byteSize()));
        }
        for (long done = 0; done < source.byteSize(); done += size) {
            long length = Math.min(size, source.byteSize() - done);
            writeCluster(view, guestOffset + done, source.asSlice(done, length));
        }
    }

    private void writeCluster(View view, long guestOffset, MemorySegment source) {
        int size = geometry.clusterSize();
        try (BufferPool.Lease lease = buffers.lease()) {
            MemorySegment cluster = lease.segment().asSlice(0, size);
            cluster.asSlice(0, source.byteSize()).copyFrom(source);
            cluster.asSlice(source.byteSize()).fill((byte) 0);
            MemorySegment stream = lease.segment().asSlice(size, size);
            int length = encode(cluster, stream);
            if (length < 0) {
                writePath.write(view, guestOffset, source);
            } else {
                store(view, guestOffset, stream.asSlice(0, length));
            }
        }
    }

    private int encode(MemorySegment cluster, MemorySegment stream) {
        ClusterEncoder encoder = encoders.poll();
        if (encoder == null) {
            encoder = Codecs.encoder(compression);
        }
        int length = encoder.encode(cluster, stream);
        encoders.add(encoder);
        return length;
    }

    private void store(View view, long guestOffset, MemorySegment stream) {
        int length = (int) stream.byteSize();
        RangeLock.Claim claim = claims.claim(guestOffset, geometry.clusterSize());
        try {
            long place = places.place(length);
            try {
                checkPlace(place, length);
                reader.forget(place);
                file.event(BlockEvent.WRITE_COMPRESSED);
                file.write(place, stream, Durability.CACHED);
                file.event(BlockEvent.L2_UPDATE_COMPRESSED);
                long entry = L2Entry.compressed(place, length, geometry.clusterBits());
                linker.change(
                        view.map(),
                        view.cache(),
                        guestOffset,
                        1,
                        true, // A stream that is torn gives neither the old bytes nor zeros.
                        false,
                        (index, old) -> new Linker.Entry(entry, 0));
            } catch (RuntimeException failure) {
                places.giveBack(place, length);
                throw failure;
            }
        } finally {
            claim.close();
        }
    }

    private void checkPlace(long place, int length) {
        long end = place + length;
        if (end > L2Entry.compressedOffsetMax(geometry.clusterBits())) {
            throw new BlockException.Unsupported(
                    file.name(), "compressed cluster", "the file is too long for more");
        }
        long first = geometry.clusterIndex(place);
        if (metadata.containsAny(first, geometry.clusterIndex(end - 1) - first + 1)) {
            throw health.corrupt(
                    "compressed cluster", place, "a stream would overwrite metadata of the image");
        }
    }

    /** Ends the cluster in which streams are packed, and frees the encoders. */
    @Override
    public void close() {
        places.close();
        for (ClusterEncoder each = encoders.poll(); each != null; each = encoders.poll()) {
            each.close();
        }
    }
}
