package dev.gaur.job;

import dev.gaur.block.StorageNode;
import dev.gaur.codec.ClusterEncoder;
import dev.gaur.format.qcow2.Qcow2CreateOptions;
import dev.gaur.format.qcow2.SequentialImageWriter;
import dev.gaur.job.Chunk.Content;
import dev.gaur.mem.BufferPool;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Supplier;

/** A new qcow2 image. */
final class ImageTarget implements ConvertTarget {
    private final StorageNode file;
    private final SequentialImageWriter image;
    private final Optional<Supplier<ClusterEncoder>> encoders;
    private final Needs needs;
    private final SpaceAhead ahead;

    /**
     * @param backing the files below source and target
     * @param sparse whether clusters of zeros get no place in the file
     * @param encoders makes what compresses, one for each worker; empty to leave clusters plain
     */
    ImageTarget(
            StorageNode file,
            Qcow2CreateOptions options,
            Convert.Backing backing,
            boolean sparse,
            Optional<Supplier<ClusterEncoder>> encoders) {
        this.file = file;
        this.image = new SequentialImageWriter(file, options);
        this.encoders = encoders;
        boolean noZeroClusters = options.version() == 2 && backing.targetLength() > 0;
        this.ahead = new SpaceAhead(file);
        this.needs = new Needs(image.clusterSize(), backing, !sparse || noZeroClusters, true);
    }

    @Override
    public Needs needs() {
        return needs;
    }

    @Override
    public Writer writer(int chunkSize) {
        return encoders.isPresent()
                ? new Compressing(encoders.get().get(), chunkSize)
                : new Plain();
    }

    @Override
    public void finish() {
        ahead.giveBack(); // The header comes last, whatever fails before.
        image.finish();
    }

    /** Clusters that have a place and no content. */
    private record Reserved(long hostOffset, int clusters) {}

    /** Writes clusters as they are. */
    private sealed class Plain implements Writer permits Compressing {
        final WriteList writes = new WriteList();
        private final List<Reserved> reserved = new ArrayList<>();

        @Override
        public void prepare(Chunk chunk) {
            // Clusters are written as they are.
        }

        @Override
        public final void place(Chunk chunk) {
            if (chunk.isHole()) {
                placeHole(chunk);
                return;
            }
            for (int first = 0, end; first < chunk.units(); first = end) {
                end = Math.min(chunk.runEnd(first), tableEnd(chunk, first));
                long guestOffset = guestOffset(chunk, first);
                switch (chunk.content(first)) {
                    case DATA -> placeData(chunk, first, end);
                    case ZERO, BACKING -> placeEmpty(chunk, first, guestOffset, end - first);
                }
            }
        }

        private void placeHole(Chunk chunk) {
            long end = chunk.offset() + chunk.length();
            for (long at = chunk.offset(), next; at < end && placesEmpty(chunk, 0); at = next) {
                next = Math.min(end, at - at % image.l2Coverage() + image.l2Coverage());
                long clusters = (next - at + needs.unit() - 1) / needs.unit();
                placeEmpty(chunk, 0, at, (int) clusters);
            }
        }

        /** Places what has no bytes, within one L2 table's range. */
        private void placeEmpty(Chunk chunk, int index, long guestOffset, int clusters) {
            if (!placesEmpty(chunk, index)) {
                return;
            }
            if (image.reserves()) {
                boolean zero = hidesBacking(chunk, index);
                long hostOffset = image.reserve(guestOffset, clusters, zero);
                reserved.add(new Reserved(hostOffset, clusters));
            } else if (!image.placeZeros(guestOffset, clusters)) {
                throw new AssertionError("zeros should have come as data");
            }
        }

        private boolean placesEmpty(Chunk chunk, int index) {
            return image.reserves() || hidesBacking(chunk, index);
        }

        private boolean hidesBacking(Chunk chunk, int index) {
            return needs.hasBacking() && chunk.content(index) == Content.ZERO;
        }

        /** Places units within one L2 table's range. */
        void placeData(Chunk chunk, int first, int end) {
            long hostOffset = image.placeData(guestOffset(chunk, first), end - first);
            long from = (long) first * chunk.unit();
            writes.add(hostOffset, chunk.buffer(), from, (long) (end - first) * chunk.unit());
        }

        @Override
        public final void write(Chunk chunk) {
            if (!image.reserves()) {
                ahead.cover(writes.end());
            }
            writes.writeTo(file);
            for (Reserved range : reserved) {
                image.fill(range.hostOffset(), range.clusters());
            }
            reserved.clear();
        }

        @Override
        public void close() {
            // Holds nothing.
        }
    }

    /** Compresses clusters and writes those as they are that do not become smaller. */
    private final class Compressing extends Plain {
        private final ClusterEncoder encoder;
        private final MemorySegment packed;
        private final int[] lengths;

        Compressing(ClusterEncoder encoder, int chunkSize) {
            this.encoder = encoder;
            this.packed = BufferPool.allocate(chunkSize);
            this.lengths = new int[chunkSize / needs.unit()];
        }

        @Override
        public void prepare(Chunk chunk) {
            long used = 0;
            for (int i = 0; !chunk.isHole() && i < chunk.units(); i++) {
                if (chunk.content(i) == Content.DATA) {
                    MemorySegment room = packed.asSlice(used);
                    lengths[i] = encoder.encode(chunk.wholeUnits(i, i + 1), room);
                    used += Math.max(0, lengths[i]);
                }
            }
        }

        @Override
        void placeData(Chunk chunk, int first, int end) {
            long used = 0;
            for (int i = 0; i < end; i++) {
                int length = chunk.content(i) == Content.DATA ? lengths[i] : 0;
                if (i >= first && length < 0) {
                    super.placeData(chunk, i, i + 1);
                } else if (i >= first) {
                    long hostOffset = image.placeCompressed(guestOffset(chunk, i), length);
                    writes.add(hostOffset, packed, used, length);
                }
                used += Math.max(0, length);
            }
        }

        @Override
        public void close() {
            encoder.close();
        }
    }

    private static long guestOffset(Chunk chunk, int index) {
        return chunk.offset() + (long) index * chunk.unit();
    }

    /** The index of the first unit behind {@code index} that another L2 table maps. */
    private int tableEnd(Chunk chunk, int index) {
        long inTable = guestOffset(chunk, index) % image.l2Coverage();
        return (int) Math.min(chunk.units(), index + (image.l2Coverage() - inTable) / chunk.unit());
    }
}
