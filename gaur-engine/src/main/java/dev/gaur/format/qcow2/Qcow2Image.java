package dev.gaur.format.qcow2;

import dev.gaur.block.BlockException;
import dev.gaur.block.BlockNode;
import dev.gaur.block.Durability;
import dev.gaur.block.ExtentVisitor;
import dev.gaur.block.Limits;
import dev.gaur.block.PaddedNode;
import dev.gaur.block.StorageNode;
import dev.gaur.block.ZeroMode;
import dev.gaur.block.ZeroNode;
import dev.gaur.codec.Compression;
import dev.gaur.format.Checker;
import dev.gaur.format.FormatOptions;
import dev.gaur.format.Image;
import dev.gaur.format.ImageInfo;
import dev.gaur.format.ReferenceOpener;
import dev.gaur.storage.Reference;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Optional;

/** An opened image: wires the parts that do the work. */
final class Qcow2Image implements Image {
    private static final int ENOENT = 2;

    private final StorageNode file;
    private final StorageNode data;
    private final BlockNode backing;
    private final Header header;
    private final SnapshotTable snapshots;
    private final TableCache cache;
    private final CompressedClusters compressed;
    private final ReadPath readPath;
    private final ExtentWalk extentWalk;
    private volatile boolean closed;

    private Qcow2Image(
            StorageNode file,
            StorageNode data,
            BlockNode backing,
            Header header,
            SnapshotTable snapshots,
            MappingTables tables,
            long cacheBytes) {
        this.file = file;
        this.data = data;
        this.backing = backing;
        this.header = header;
        this.snapshots = snapshots;
        Geometry geometry = header.geometry();
        long slices = geometry.l1EntriesFor(header.virtualSize()) * geometry.slicesPerTable();
        long bytes = cacheBytes == FormatOptions.AUTO ? TableCache.autoBytes() : cacheBytes;
        this.cache = new TableCache(slices, bytes, tables);
        ClusterMap map = new ClusterMap(file.name(), header, tables, cache);
        Compression compression =
                Compression.ofNumber(header.compressionType()).orElseThrow(AssertionError::new);
        this.compressed = new CompressedClusters(file, geometry, compression);
        BlockNode endless = backing == ZeroNode.INSTANCE ? backing : new PaddedNode(backing);
        this.readPath = new ReadPath(map, geometry, data, endless, compressed);
        this.extentWalk = new ExtentWalk(map, header, file, data, backing);
    }

    /** Opens what the header refers to, and what hangs on that. */
    static Qcow2Image open(
            StorageNode file, Header header, FormatOptions options, ReferenceOpener references) {
        SnapshotTable snapshots = SnapshotTable.read(file, header);
        MappingTables tables = tables(file, header, snapshots, options.snapshot());
        BlockNode backing = backing(file, header).map(references::backing).orElse(null);
        try {
            StorageNode data = dataFile(file, header).map(references::dataFile).orElse(file);
            return new Qcow2Image(
                    file,
                    data,
                    backing == null ? ZeroNode.INSTANCE : backing,
                    header,
                    snapshots,
                    tables,
                    options.metadataCacheBytes());
        } catch (BlockException | IllegalArgumentException failed) {
            if (backing != null) {
                backing.close();
            }
            throw failed;
        }
    }

    /** Picks the mapping of the active state or of a snapshot; the virtual size stays. */
    private static MappingTables tables(
            StorageNode file, Header header, SnapshotTable snapshots, String snapshot) {
        Geometry geometry = header.geometry();
        int needed = Math.toIntExact(geometry.l1EntriesFor(header.virtualSize()));
        if (snapshot.isEmpty()) {
            return new MappingTables(file, geometry, "L1 table", header.l1TableOffset(), needed);
        }
        SnapshotTable.Snapshot chosen =
                snapshots
                        .find(snapshot)
                        .orElseThrow(
                                () ->
                                        new BlockException.Media(
                                                file.name(),
                                                "snapshot table",
                                                header.snapshotsOffset(),
                                                "there is no snapshot '" + snapshot + "'",
                                                ENOENT,
                                                null));
        String name = "L1 table of snapshot " + chosen.info().id();
        if (chosen.l1Entries() > HeaderCodec.L1_BYTES_MAX / Long.BYTES) {
            throw new BlockException.Corrupt(
                    file.name(),
                    name,
                    chosen.l1Offset(),
                    "%d entries, larger than 32 MiB".formatted(chosen.l1Entries()));
        }
        if (chosen.l1Offset() < 0 || !geometry.isAligned(chosen.l1Offset())) {
            throw new BlockException.Corrupt(
                    file.name(), name, chosen.l1Offset(), "is no multiple of the cluster size");
        }
        int entries = (int) Math.min(needed, chosen.l1Entries());
        return new MappingTables(file, geometry, name, chosen.l1Offset(), entries);
    }

    private static Optional<Reference> backing(StorageNode file, Header header) {
        if (header.backingName().isEmpty()) {
            return Optional.empty();
        }
        return Optional.of(
                new Reference(
                        Reference.Kind.BACKING_FILE,
                        header.backingName(),
                        header.extensionText(HeaderExtension.BACKING_FORMAT),
                        file.name()));
    }

    private static Optional<Reference> dataFile(StorageNode file, Header header) {
        if (!header.has(Header.DATA_FILE)) {
            return Optional.empty();
        }
        String name = header.extensionText(HeaderExtension.DATA_FILE_NAME);
        if (name.isEmpty()) {
            throw new BlockException.Corrupt(
                    file.name(),
                    "header extensions",
                    BlockException.NO_OFFSET,
                    "none names the external data file");
        }
        return Optional.of(new Reference(Reference.Kind.DATA_FILE, name, "raw", file.name()));
    }

    @Override
    public String name() {
        return file.name();
    }

    @Override
    public boolean writable() {
        return false;
    }

    @Override
    public Limits limits() {
        Limits below = data.limits();
        return new Limits(
                below.requestAlignment(),
                below.memoryAlignment(),
                Math.max(below.preferredSize(), header.geometry().clusterSize()));
    }

    @Override
    public long length() {
        return header.virtualSize();
    }

    private void checkReadable() {
        if (closed) {
            throw new BlockException.Denied(name(), "", "is closed");
        }
        if (header.cryptMethod() != 0) {
            throw new BlockException.Unsupported(
                    name(), "encryption", "encrypted images are not supported yet");
        }
    }

    @Override
    public void read(long offset, MemorySegment target) {
        checkReadable();
        readPath.read(offset, target);
    }

    @Override
    public boolean tryRead(long offset, MemorySegment target) {
        checkReadable();
        return readPath.tryRead(offset, target);
    }

    @Override
    public void write(long offset, MemorySegment source, Durability durability) {
        throw readOnly();
    }

    @Override
    public void zero(long offset, long length, ZeroMode mode, Durability durability) {
        throw readOnly();
    }

    @Override
    public void discard(long offset, long length) {
        throw readOnly();
    }

    private BlockException.Denied readOnly() {
        return new BlockException.Denied(name(), "", "is read-only");
    }

    @Override
    public void flush() {
        // Nothing was written.
    }

    @Override
    public void extents(long offset, long length, ExtentVisitor visitor) {
        checkReadable();
        extentWalk.walk(offset, length, visitor);
    }

    @Override
    public BlockNode backing() {
        return backing;
    }

    @Override
    public Optional<Checker> checker() {
        return Optional.of(new ConsistencyCheck(file, header));
    }

    /** How the cache of mapping tables does. */
    TableCache.Statistics cacheStatistics() {
        return cache.statistics();
    }

    @Override
    public ImageInfo info() {
        BitmapDirectory bitmaps = BitmapDirectory.read(file, header);
        return new ImageInfo(
                name(),
                "qcow2",
                length(),
                file.allocatedBytes(),
                file.length(),
                header.geometry().clusterSize(),
                header.has(Header.DIRTY),
                header.cryptMethod() != 0,
                backing(file, header),
                dataFile(file, header),
                snapshots.infos(),
                bitmaps.bitmaps(),
                bitmaps.warnings(),
                details());
    }

    private ImageInfo.Qcow2 details() {
        return new ImageInfo.Qcow2(
                header.version(),
                header.geometry().refcountBits(),
                header.compressionType() == 0 ? "zlib" : "zstd",
                (header.compatible() & Header.LAZY_REFCOUNTS) != 0,
                header.has(Header.CORRUPT),
                header.has(Header.EXTENDED_L2),
                (header.autoclear() & Header.DATA_FILE_RAW) != 0,
                List.of("", "aes", "luks").get(header.cryptMethod()));
    }

    @Override
    public void close() {
        if (closed) {
            return;
        }
        closed = true;
        compressed.close();
        backing.close();
        if (data != file) {
            data.close();
        }
        file.close();
    }
}
