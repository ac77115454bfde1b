package dev.gaur.format.qcow2;

import dev.gaur.block.Durability;
import dev.gaur.block.StorageNode;
import dev.gaur.mem.BufferPool;
import dev.gaur.mem.Bytes;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * An image that is being made: header, refcount table and block, L1 table, then whatever its user
 * allocates. The header is written last, so that until then the file is no image at all.
 *
 * <p>Source of the layout: what QEMU writes; scripts patch and dump its fixed offsets. Used by one
 * thread at a time.
 */
final class NewImage {
    private final StorageNode file;
    private final Qcow2CreateOptions options;
    private final Geometry geometry;
    private final AppendAllocator allocator;
    private final long[] l1;
    private final long l1Offset;
    private final boolean fresh;

    /**
     * Begins an image.
     *
     * @param file its old content is lost: if it had a header, that is overwritten first
     * @param options valid ones
     */
    NewImage(StorageNode file, Qcow2CreateOptions options) {
        this.file = file;
        this.options = options;
        this.geometry = options.geometry();
        this.fresh = file.length() == 0;
        if (!fresh) {
            file.write(0, BufferPool.allocate(geometry.clusterSize()), Durability.CACHED);
        }
        this.allocator = new AppendAllocator(file, geometry);
        this.l1 = new long[Math.toIntExact(geometry.l1EntriesFor(options.roundedSize()))];
        this.l1Offset = l1.length == 0 ? 0 : allocator.allocate(geometry.clustersFor(l1Bytes()));
    }

    private long l1Bytes() {
        return (long) l1.length * Long.BYTES;
    }

    StorageNode file() {
        return file;
    }

    Qcow2CreateOptions options() {
        return options;
    }

    Geometry geometry() {
        return geometry;
    }

    AppendAllocator allocator() {
        return allocator;
    }

    /** Whether the file was empty, so that what nobody writes reads as zeros. */
    boolean isFresh() {
        return fresh;
    }

    int l1Entries() {
        return l1.length;
    }

    /** Takes a cluster for the L2 table of an L1 entry that has none yet. */
    long addL2Table(int l1Index) {
        long hostOffset = allocator.allocate(1);
        l1[l1Index] = hostOffset | L2Entry.COPIED;
        return hostOffset;
    }

    /** Writes what is still in memory, the header last. */
    void finish() {
        AppendAllocator.Table refcounts = allocator.finish();
        boolean empty = Arrays.stream(l1).allMatch(entry -> entry == 0);
        if (!empty || !fresh) {
            MemorySegment bytes = BufferPool.allocate(Math.max(1, l1Bytes()));
            for (int i = 0; i < l1.length; i++) {
                Bytes.putU64(bytes, (long) i * Long.BYTES, l1[i]);
            }
            file.write(l1Offset, bytes.asSlice(0, l1Bytes()), Durability.CACHED);
        }
        long end = allocator.end();
        boolean l1IsLast = l1.length > 0 && geometry.alignUp(l1Offset + l1Bytes()) == end;
        long length = l1IsLast ? l1Offset + l1Bytes() : end;
        if (file.length() < length) {
            file.resize(length);
        }
        byte[] first = HeaderCodec.encode(file.name(), header(refcounts));
        file.write(0, MemorySegment.ofArray(first), Durability.CACHED);
    }

    private Header header(AppendAllocator.Table refcounts) {
        boolean old = options.version() == 2;
        return new Header(
                options.version(),
                geometry.clusterBits(),
                options.roundedSize(),
                0,
                l1.length,
                l1Offset,
                refcounts.hostOffset(),
                refcounts.clusters(),
                0,
                0,
                incompatible(),
                options.lazyRefcounts() ? Header.LAZY_REFCOUNTS : 0,
                options.dataFileRaw() ? Header.DATA_FILE_RAW : 0,
                geometry.refcountOrder(),
                old ? Header.V2_LENGTH : Header.V3_LENGTH,
                options.compression().number(),
                new byte[0],
                extensions(),
                options.backingFile());
    }

    private long incompatible() {
        return (options.hasDataFile() ? Header.DATA_FILE : 0)
                | (options.compression().number() == 0 ? 0 : Header.COMPRESSION)
                | (options.extendedL2() ? Header.EXTENDED_L2 : 0);
    }

    private List<HeaderExtension> extensions() {
        List<HeaderExtension> extensions = new ArrayList<>();
        if (options.journal()) {
            byte[] closed = JournalPlace.NONE.encode();
            extensions.add(new HeaderExtension(HeaderExtension.JOURNAL, closed));
        }
        add(extensions, HeaderExtension.BACKING_FORMAT, options.backingFormat());
        add(extensions, HeaderExtension.DATA_FILE_NAME, options.dataFile());
        return List.copyOf(extensions);
    }

    private static void add(List<HeaderExtension> extensions, int type, String text) {
        if (!text.isEmpty()) {
            extensions.add(new HeaderExtension(type, text.getBytes(StandardCharsets.UTF_8)));
        }
    }
}
