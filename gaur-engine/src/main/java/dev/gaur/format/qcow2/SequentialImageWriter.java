package dev.gaur.format.qcow2;

import dev.gaur.block.BlockException;
import dev.gaur.block.Durability;
import dev.gaur.block.StorageNode;
import dev.gaur.block.ZeroMode;
import dev.gaur.format.Preallocation;
import dev.gaur.mem.BufferPool;
import dev.gaur.mem.Bytes;
import java.lang.foreign.MemorySegment;

/**
 * Writes a whole new image from its first guest byte to its last.
 *
 * <p>It says where clusters go and keeps tables and counts; the bytes of the clusters are the
 * caller's to write, by as many threads as it likes, at the host offsets it is given. Clusters are
 * placed by moving the end of the file; compressed streams are packed one behind the other. An L2
 * table is written when the placing has passed its range, so that memory does not grow with the
 * image. The header is written last, by {@link #finish}: whatever goes wrong before leaves a file
 * that nobody takes for an image.
 *
 * <p>Methods with a guest offset, and {@link #finish}, are for one thread at a time, with ascending
 * guest offsets. What is not placed stays unallocated.
 */
public final class SequentialImageWriter {
    private final NewImage image;
    private final Geometry geometry;
    private final MemorySegment table;
    private int tableIndex = -1;
    private long tableOffset;
    private final StreamPacker packer;

    /**
     * Begins an image.
     *
     * @param file its content is lost; stays the caller's to close
     * @param options without external data file, which is not supported yet
     * @throws IllegalArgumentException if the format forbids the combination of options
     */
    public SequentialImageWriter(StorageNode file, Qcow2CreateOptions options) {
        options.validate();
        if (options.hasDataFile()) {
            throw new BlockException.Unsupported(
                    file.name(), "external data file", "writing to one is not supported yet");
        }
        this.image = new NewImage(file, options);
        if (reserves() && file.length() < options.roundedSize()) {
            file.resize(options.roundedSize()); // File systems reserve space within a file.
        }
        this.geometry = image.geometry();
        this.table = BufferPool.allocate(geometry.clusterSize());
        this.packer = new StreamPacker(image.allocator(), geometry);
    }

    /** Returns the unit of placing in bytes. */
    public int clusterSize() {
        return geometry.clusterSize();
    }

    /** Returns how many guest bytes one table maps: {@link #placeData} never crosses that. */
    public long l2Coverage() {
        return geometry.l2Coverage();
    }

    /** Returns whether every cluster is to have a place: {@link #reserve} for one without data. */
    public boolean reserves() {
        return image.options().preallocation() != Preallocation.OFF;
    }

    /**
     * Gives clusters a place, but no content. They read as zeros; in an image with subclusters,
     * which may have a backing file as well, as what that has, unless {@code zero} forbids it.
     *
     * @param guestOffset first byte of a cluster
     * @param clusters how many, within one multiple of {@link #l2Coverage}
     * @return the host offset, for {@link #fill}
     */
    public long reserve(long guestOffset, int clusters, boolean zero) {
        return place(guestOffset, clusters, zero ? L2Entry.ALL_SUBCLUSTERS_ZERO : 0);
    }

    /**
     * Has the file take up the space of clusters that were reserved, as the options want it. To be
     * called once for all of them, for one thread at a time, but together with other methods.
     */
    public void fill(long hostOffset, long clusters) {
        Preallocation how = image.options().preallocation();
        long length = geometry.clusterOffset(clusters);
        if (how == Preallocation.METADATA && !image.isFresh()) {
            image.file().zero(hostOffset, length, ZeroMode.UNMAP, Durability.CACHED);
        } else {
            ReservedSpace.fill(image.file(), how, hostOffset, length);
        }
    }

    /**
     * Places plain clusters one behind the other.
     *
     * @param guestOffset first byte of a cluster
     * @param clusters how many, within one multiple of {@link #l2Coverage}
     * @return the host offset at which the caller writes their bytes
     */
    public long placeData(long guestOffset, int clusters) {
        return place(guestOffset, clusters, L2Entry.ALL_SUBCLUSTERS_ALLOCATED);
    }

    private long place(long guestOffset, int clusters, long bitmap) {
        openTable(guestOffset);
        long hostOffset = image.allocator().allocate(clusters);
        for (int i = 0; i < clusters; i++) {
            long entry = hostOffset + geometry.clusterOffset(i) | L2Entry.COPIED;
            setEntry(geometry.l2Index(guestOffset) + i, entry, bitmap);
        }
        return hostOffset;
    }

    /**
     * Places the compressed stream of one cluster.
     *
     * @param guestOffset first byte of the cluster
     * @param length of the stream, less than a cluster
     * @return the host offset, of any alignment, at which the caller writes the stream
     */
    public long placeCompressed(long guestOffset, int length) {
        openTable(guestOffset);
        long hostOffset = packer.place(length);
        if (hostOffset + length > L2Entry.compressedOffsetMax(geometry.clusterBits())) {
            throw new BlockException.Unsupported(
                    image.file().name(), "compressed cluster", "the file is too long for more");
        }
        int index = geometry.l2Index(guestOffset);
        setEntry(index, L2Entry.compressed(hostOffset, length, geometry.clusterBits()), 0);
        return hostOffset;
    }

    /**
     * Makes clusters read as zeros whatever the backing file has there.
     *
     * @return whether that is done; version 2 has no way but to place zeros as data
     */
    public boolean placeZeros(long guestOffset, int clusters) {
        if (image.options().version() == 2) {
            return false;
        }
        openTable(guestOffset);
        for (int i = 0; i < clusters; i++) {
            long entry = geometry.extendedL2() ? 0 : L2Entry.ZERO;
            setEntry(geometry.l2Index(guestOffset) + i, entry, L2Entry.ALL_SUBCLUSTERS_ZERO);
        }
        return true;
    }

    /**
     * Writes all tables, the counts, and the header: from here on the file is an image. All bytes
     * of placed clusters must have been written. Nothing is forced to the disk.
     */
    public void finish() {
        closeTable();
        packer.finish();
        image.finish();
    }

    private void setEntry(int index, long entry, long bitmap) {
        long at = (long) index * geometry.l2EntrySize();
        Bytes.putU64(table, at, entry);
        if (geometry.extendedL2()) {
            Bytes.putU64(table, at + Long.BYTES, bitmap);
        }
    }

    private void openTable(long guestOffset) {
        int l1Index = (int) geometry.l1Index(guestOffset);
        if (l1Index == tableIndex) {
            return;
        }
        if (l1Index < tableIndex) {
            throw new AssertionError("guest offset " + guestOffset + " comes too late");
        }
        closeTable();
        table.fill((byte) 0);
        tableIndex = l1Index;
        tableOffset = image.addL2Table(l1Index);
    }

    private void closeTable() {
        if (tableIndex >= 0) {
            image.file().write(tableOffset, table, Durability.CACHED);
        }
    }
}
