package dev.gaur.format.qcow2;

import dev.gaur.block.BlockException;
import dev.gaur.block.BlockNode;
import dev.gaur.block.Durability;
import dev.gaur.block.Extent;
import dev.gaur.block.ExtentVisitor;
import dev.gaur.block.Limits;
import dev.gaur.block.StorageNode;
import dev.gaur.block.ZeroMode;
import dev.gaur.block.ZeroNode;
import dev.gaur.codec.Compression;
import dev.gaur.format.BitmapInfo;
import dev.gaur.format.Bitmaps;
import dev.gaur.format.Checker;
import dev.gaur.format.Compressing;
import dev.gaur.format.FormatOptions;
import dev.gaur.format.Image;
import dev.gaur.format.ImageInfo;
import dev.gaur.format.ReferenceOpener;
import dev.gaur.storage.Reference;
import dev.gaur.sync.Epoch;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * An opened image: wires the parts that do the work.
 *
 * <p>Reads are inside of {@code reads}, changes inside of {@code changes}, while they run. Who
 * wants to change the whole image pauses both, in the order changes, reads. An image open for
 * reading never changes and needs neither.
 */
final class Qcow2Image implements Image {
    private static final int ENOENT = 2;

    private final StorageNode file;
    private final StorageNode data;
    private final BlockNode backing;
    private final LiveHeader header;
    private final boolean writable;
    private final FormatOptions options;
    private final SnapshotTable snapshots;
    private final CompressedClusters compressed;
    private final Epoch reads = new Epoch();
    private final Epoch changes = new Epoch();
    private volatile View view;
    private volatile @Nullable BitmapStore bitmapStore;
    private volatile @Nullable WriteEngine engine;
    private volatile boolean closed;

    private Qcow2Image(
            StorageNode file,
            StorageNode data,
            BlockNode backing,
            Header header,
            SnapshotTable snapshots,
            MappingTables tables,
            FormatOptions options) {
        this.file = file;
        this.data = data;
        this.backing = backing;
        this.header = new LiveHeader(file, header);
        this.writable = file.writable();
        this.snapshots = snapshots;
        this.options = options;
        Compression compression =
                Compression.ofNumber(header.compressionType()).orElseThrow(AssertionError::new);
        this.compressed = new CompressedClusters(file, header.geometry(), compression);
        this.view = view(header, tables);
    }

    private View view(Header now, MappingTables tables) {
        long cacheBytes = options.metadataCacheBytes();
        return View.of(now, tables, file, data, backing, compressed, cacheBytes);
    }

    /** Opens what the header refers to, and what hangs on that. */
    static Qcow2Image open(
            StorageNode file, Header header, FormatOptions options, ReferenceOpener references) {
        if (file.writable()) {
            requireWritable(file.name(), header, options);
        }
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
                    options);
        } catch (BlockException | IllegalArgumentException failed) {
            if (backing != null) {
                backing.close();
            }
            throw failed;
        }
    }

    private static void requireWritable(String image, Header header, FormatOptions options) {
        WriteEngine.requireWritable(image, header);
        if (!options.snapshot().isEmpty()) {
            throw new BlockException.Denied(image, "", "a snapshot cannot be written to");
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
        return writable;
    }

    @Override
    public Limits limits() {
        Limits below = data.limits();
        return new Limits(
                below.requestAlignment(),
                below.memoryAlignment(),
                Math.max(below.preferredSize(), 1 << header.get().clusterBits()));
    }

    @Override
    public long length() {
        return view.length();
    }

    private void checkReadable() {
        if (closed) {
            throw new BlockException.Denied(name(), "", "is closed");
        }
        if (view.header().cryptMethod() != 0) {
            throw new BlockException.Unsupported(
                    name(), "encryption", "encrypted images are not supported yet");
        }
    }

    @Override
    public void read(long offset, MemorySegment target) {
        checkReadable();
        if (!writable) {
            view.readPath().read(offset, target);
            return;
        }
        int ticket = reads.enter();
        try {
            view.readPath().read(offset, target);
        } finally {
            reads.leave(ticket);
        }
    }

    @Override
    public boolean tryRead(long offset, MemorySegment target) {
        checkReadable();
        if (!writable) {
            return view.readPath().tryRead(offset, target);
        }
        int ticket = reads.enter();
        try {
            return view.readPath().tryRead(offset, target);
        } finally {
            reads.leave(ticket);
        }
    }

    @Override
    public void extents(long offset, long length, ExtentVisitor visitor) {
        checkReadable();
        if (!writable) {
            view.extentWalk().walk(offset, length, visitor);
            return;
        }
        // The visitor may take its time, or make requests itself: it is told outside.
        List<Extent> found = new ArrayList<>();
        long end = offset + length;
        for (long at = offset; at < end; found.clear()) {
            int ticket = reads.enter();
            try {
                view.extentWalk()
                        .walk(at, end - at, each -> found.add(each) && found.size() < EXTENTS_STEP);
            } finally {
                reads.leave(ticket);
            }
            for (Extent each : found) {
                if (!visitor.visit(each)) {
                    return;
                }
            }
            at = found.getLast().end();
        }
    }

    private static final int EXTENTS_STEP = 64;

    // ---- changes

    /** A change of the disk, of one view. */
    private interface Request {
        void run(WriteEngine engine, View view);
    }

    private void change(Request request) {
        checkReadable();
        if (!writable) {
            throw new BlockException.Denied(name(), "", "is read-only");
        }
        WriteEngine ready = engine();
        int ticket = changes.enter();
        try {
            checkReadable(); // Closing may have come first.
            request.run(ready, view);
        } finally {
            changes.leave(ticket);
        }
    }

    private WriteEngine engine() {
        WriteEngine ready = engine;
        return ready != null ? ready : makeEngine();
    }

    /** Prepares for the first change; readers get to see changes from then on. */
    private synchronized WriteEngine makeEngine() {
        WriteEngine ready = engine;
        if (ready != null) {
            return ready;
        }
        WriteEngine.requireClean(name(), header.get());
        BitmapStore known = bitmapStore;
        BitmapStore bitmaps = known != null ? known : new BitmapStore(file, header);
        WriteEngine made = new WriteEngine(file, data, header, options, bitmaps, reads, compressed);
        bitmapStore = bitmaps;
        reads.pause();
        try {
            view = view(header.get(), made.tables());
        } finally {
            reads.resume();
        }
        engine = made;
        return made;
    }

    @Override
    public void write(long offset, MemorySegment source, Durability durability) {
        change((engine, view) -> engine.write(view, offset, source, durability));
    }

    @Override
    public void zero(long offset, long length, ZeroMode mode, Durability durability) {
        change((engine, view) -> engine.zero(view, offset, length, mode, durability));
    }

    @Override
    public void discard(long offset, long length) {
        change((engine, view) -> engine.discard(view, offset, length));
    }

    @Override
    public Optional<Compressing> compressing() {
        return writable && data == file ? Optional.of(new CompressedAccess()) : Optional.empty();
    }

    private final class CompressedAccess implements Compressing {
        @Override
        public int unit() {
            return 1 << header.get().clusterBits();
        }

        @Override
        public void writeCompressed(long offset, MemorySegment source) {
            change((engine, view) -> engine.writeCompressed(view, offset, source));
        }
    }

    @Override
    public void flush() {
        if (closed) {
            throw new BlockException.Denied(name(), "", "is closed");
        }
        WriteEngine ready = engine;
        if (ready != null) {
            change((engine, _) -> engine.flush());
        }
    }

    /** Runs a change of the bitmaps while no request is under way. */
    private void changeBitmaps(Consumer<BitmapStore> change) {
        if (closed || !writable) {
            throw new BlockException.Denied(name(), "", closed ? "is closed" : "is read-only");
        }
        WriteEngine ready = engine();
        changes.pause();
        try {
            change.accept(ready.bitmaps());
        } finally {
            changes.resume();
        }
    }

    @Override
    public Optional<Bitmaps> bitmaps() {
        return Optional.of(
                new ImageBitmaps(
                        file, header, () -> Optional.ofNullable(bitmapStore), this::changeBitmaps));
    }

    @Override
    public BlockNode backing() {
        return backing;
    }

    @Override
    public Optional<Checker> checker() {
        return Optional.of(new ConsistencyCheck(file, header.get()));
    }

    /** How the cache of mapping tables does. */
    TableCache.Statistics cacheStatistics() {
        return view.cache().statistics();
    }

    @Override
    public ImageInfo info() {
        Header now = header.get();
        BitmapStore live = bitmapStore;
        BitmapDirectory directory =
                live != null
                        ? live.directory()
                        : BitmapDirectory.read(file, now).lookedInto(file, now);
        List<BitmapInfo> bitmaps = live != null ? live.list() : directory.infos();
        return new ImageInfo(
                name(),
                "qcow2",
                length(),
                file.allocatedBytes(),
                file.length(),
                1 << now.clusterBits(),
                now.has(Header.DIRTY),
                now.cryptMethod() != 0,
                backing(file, now),
                dataFile(file, now),
                snapshots.infos(),
                BitmapDirectory.sound(bitmaps),
                directory.warnings(bitmaps),
                details(now));
    }

    private ImageInfo.Qcow2 details(Header header) {
        return new ImageInfo.Qcow2(
                header.version(),
                header.geometry().refcountBits(),
                header.compressionType() == 0 ? "zlib" : "zstd",
                (header.compatible() & Header.LAZY_REFCOUNTS) != 0,
                header.has(Header.CORRUPT),
                header.has(Header.EXTENDED_L2),
                (header.autoclear() & Header.DATA_FILE_RAW) != 0,
                List.of("", "aes", "luks").get(header.cryptMethod()),
                LuksHeader.read(file, header));
    }

    @Override
    public void close() {
        if (closed) {
            return;
        }
        closed = true;
        try {
            WriteEngine ready = engine;
            if (ready != null) {
                changes.pause(); // And nobody resumes: what comes now finds the image closed.
                changes.resume();
                ready.close();
            }
        } finally {
            closeAll();
        }
    }

    private void closeAll() {
        compressed.close();
        backing.close();
        if (data != file) {
            data.close();
        }
        file.close();
    }
}
