package dev.gaur.format.qcow2;

import dev.gaur.block.Durability;
import dev.gaur.block.StorageNode;
import dev.gaur.format.Preallocation;
import dev.gaur.mem.BufferPool;
import dev.gaur.mem.Bytes;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.Optional;

/**
 * Creates images. A plain one is byte for byte what qemu-img makes; a preallocated one has the L2
 * tables before the clusters that they map.
 */
public final class ImageCreator {
    private final NewImage image;
    private final Optional<StorageNode> dataFile;

    private ImageCreator(NewImage image, Optional<StorageNode> dataFile) {
        this.image = image;
        this.dataFile = dataFile;
    }

    /**
     * Creates an image in a file. Blocks; nothing is forced to the disk: flush for that. A file
     * that was interrupted in between is no image, since its header is written last.
     *
     * @param file its content is lost; stays the caller's to close
     * @param dataFile the external data file, if {@code options} has one: is made as long as the
     *     disk
     * @throws IllegalArgumentException if the format forbids the combination of options
     */
    public static void create(
            StorageNode file, Optional<StorageNode> dataFile, Qcow2CreateOptions options) {
        options.validate();
        if (options.hasDataFile() != dataFile.isPresent()) {
            throw new IllegalArgumentException("options and data file do not match");
        }
        new ImageCreator(new NewImage(file, options), dataFile).create();
    }

    private void create() {
        Qcow2CreateOptions options = image.options();
        dataFile.ifPresent(data -> data.resize(options.roundedSize()));
        if (options.preallocation() != Preallocation.OFF || options.dataFileRaw()) {
            mapAll();
        }
        dataFile.ifPresent(data -> reserve(data, 0, options.roundedSize()));
        image.finish();
    }

    /** Allocates every cluster of the disk, each run of them behind its L2 table. */
    private void mapAll() {
        Geometry geometry = image.geometry();
        MemorySegment table = BufferPool.allocate(geometry.clusterSize());
        long[] words = new long[geometry.clusterSize() / Long.BYTES];
        int wordsPerEntry = geometry.l2EntrySize() / Long.BYTES;
        long left = geometry.clustersFor(image.options().roundedSize());
        for (int l1Index = 0; l1Index < image.l1Entries(); l1Index++) {
            int clusters = (int) Math.min(left, geometry.l2Entries());
            long tableOffset = image.addL2Table(l1Index);
            long first = allocateData(l1Index, clusters);
            Arrays.fill(words, 0);
            for (int i = 0; i < clusters; i++) {
                words[i * wordsPerEntry] = first + geometry.clusterOffset(i) | L2Entry.COPIED;
            }
            Bytes.putU64(table, 0, words, 0, words.length); // Quick before it is compiled, too.
            image.file().write(tableOffset, table, Durability.CACHED);
            left -= clusters;
        }
    }

    /** Returns the host offset of the clusters that an L2 table maps. */
    private long allocateData(int l1Index, int clusters) {
        Geometry geometry = image.geometry();
        if (dataFile.isPresent()) {
            return geometry.guestOffset(l1Index, 0);
        }
        long first = image.allocator().allocate(clusters);
        reserve(image.file(), first, geometry.clusterOffset(clusters));
        return first;
    }

    private void reserve(StorageNode file, long hostOffset, long length) {
        Preallocation how = image.options().preallocation();
        if (how == Preallocation.FALLOC) {
            file.resize(Math.max(file.length(), hostOffset + length));
        }
        ReservedSpace.fill(file, how, hostOffset, length);
    }
}
