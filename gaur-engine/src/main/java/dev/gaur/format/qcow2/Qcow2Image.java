package dev.gaur.format.qcow2;

import dev.gaur.block.BlockEvent;
import dev.gaur.block.BlockException;
import dev.gaur.block.BlockNode;
import dev.gaur.block.Durability;
import dev.gaur.block.ExtentVisitor;
import dev.gaur.block.Limits;
import dev.gaur.block.PendingRequest;
import dev.gaur.block.StorageNode;
import dev.gaur.block.ZeroMode;
import dev.gaur.codec.Compression;
import dev.gaur.format.Amending;
import dev.gaur.format.Bitmaps;
import dev.gaur.format.CacheUse;
import dev.gaur.format.CheckListener;
import dev.gaur.format.CheckReport;
import dev.gaur.format.Checker;
import dev.gaur.format.Compressing;
import dev.gaur.format.CowUse;
import dev.gaur.format.Emptying;
import dev.gaur.format.FormatOptions;
import dev.gaur.format.Image;
import dev.gaur.format.ImageInfo;
import dev.gaur.format.MappingReport;
import dev.gaur.format.Rebasing;
import dev.gaur.format.Resizing;
import dev.gaur.format.Snapshots;
import dev.gaur.format.VmState;
import dev.gaur.sync.Epoch;
import java.lang.foreign.MemorySegment;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.BiConsumer;
import java.util.function.Consumer;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * An opened image: wires the parts that do the work.
 *
 * <p>Reads are inside of {@code reads}, changes inside of {@code changes}, while they run. Who
 * wants to change the whole image pauses both, in the order changes, reads. An image open for
 * reading never changes and needs neither.
 */
final class Qcow2Image implements Image {
    private final StorageNode file;
    private final StorageNode data;
    private final BlockNode backing;
    private final LiveHeader header;
    private final boolean writable;
    private final FormatOptions options;
    private final Health health;
    private volatile SnapshotTable snapshots;
    private final CompressedClusters compressed;
    private final CowTally tally = new CowTally();
    private final Epoch reads = new Epoch();
    private final Epoch changes = new Epoch();
    private final AtomicBoolean closed = new AtomicBoolean();
    private final ShownView shown;
    private final ImageReads reading;
    private final BesideRequests beside;
    private volatile @Nullable BitmapStore bitmapStore;
    private volatile @Nullable WriteEngine engine;

    /** Takes what its opener has opened and read. */
    Qcow2Image(
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
        this.health = new Health(file.name(), this.header);
        this.writable = file.writable();
        this.snapshots = snapshots;
        this.options = options;
        Compression compression =
                Compression.ofNumber(header.compressionType()).orElseThrow(AssertionError::new);
        this.compressed = new CompressedClusters(file, header.geometry(), compression);
        this.shown =
                new ShownView(
                        file, data, backing, compressed, options, this.header, health, tables);
        this.beside = new BesideRequests(changes, () -> closed.get() ? null : engine);
        this.reading = new ImageReads(writable ? reads : null, shown::toRead);
    }

    /** Has requests use the active state that the file has, and nothing of it in memory. */
    private void showFile() {
        shown.showFile(snapshots);
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
        return ImageParts.limits(data, header.get());
    }

    @Override
    public long length() {
        return shown.get().length();
    }

    private void checkOpen() {
        if (closed.get()) {
            throw new BlockException.Denied(name(), "", "is closed");
        }
    }

    private void checkReadable() {
        checkOpen();
        if (shown.get().header().cryptMethod() != 0) {
            throw new BlockException.Unsupported(
                    name(), "encryption", "encrypted images are not supported yet");
        }
    }

    @Override
    public void read(long offset, MemorySegment target) {
        checkReadable();
        reading.read(offset, target);
    }

    @Override
    public boolean tryRead(long offset, MemorySegment target) {
        checkReadable();
        return reading.tryRead(offset, target);
    }

    @Override
    public boolean prefetch(long offset, long length) {
        checkReadable();
        return reading.prefetch(offset, length);
    }

    @Override
    public @Nullable PendingRequest beginRead(long offset, MemorySegment target) {
        checkReadable();
        return reading.beginRead(offset, target);
    }

    @Override
    public void extents(long offset, long length, ExtentVisitor visitor) {
        checkReadable();
        reading.extents(offset, length, visitor);
    }

    // ---- changes

    @Override
    public @Nullable PendingRequest beginWrite(long offset, MemorySegment source) {
        checkChangeable();
        return beside.tryBegin(ready -> ready.beginWrite(shown.get(), offset, source));
    }

    private void change(BiConsumer<WriteEngine, View> request) {
        int ticket = changes.enter();
        boolean due;
        try {
            checkChangeable(); // Inside, so that nobody closes it meanwhile.
            WriteEngine ready = engine();
            request.accept(ready, shown.get());
            due = ready.isCheckpointDue();
        } finally {
            changes.leave(ticket);
        }
        if (due) {
            changes.pause();
            try {
                WriteEngine ready = engine;
                if (ready != null && !closed.get()) { // Who closes works alone on it by now.
                    ready.checkpoint();
                }
            } finally {
                changes.resume();
            }
        }
    }

    private void checkChangeable() {
        checkReadable();
        checkWritable();
    }

    private void checkWritable() {
        if (!writable) {
            throw new BlockException.Denied(name(), "", "is read-only");
        }
    }

    /** For who is inside of {@code changes}, or paused them. */
    private WriteEngine engine() {
        WriteEngine ready = engine;
        return ready != null ? ready : makeEngine();
    }

    /** Counts of an image that was not closed may be stale: nobody may allocate by them. */
    private CountState trueCounts() {
        if (header.get().has(Header.DIRTY)) {
            reads.pause();
            try {
                Optional<CountState> found = ImageParts.repair(file, header, health, options);
                if (found.isPresent()) {
                    return found.get();
                }
                snapshots = SnapshotTable.read(file, header.get());
                showFile();
            } finally {
                reads.resume();
            }
        }
        return CountState.of(file, header, health, options);
    }

    private void withoutReads(Runnable work) {
        reads.pause();
        try {
            work.run();
        } finally {
            reads.resume();
        }
    }

    /** Prepares for the first change; readers get to see changes from then on. */
    private synchronized WriteEngine makeEngine() {
        WriteEngine ready = engine;
        if (ready != null) {
            return ready;
        }
        health.check();
        CountState counts = trueCounts();
        BitmapStore known = bitmapStore;
        BitmapStore bitmaps = known != null ? known : new BitmapStore(file, header);
        WriteEngine made =
                new WriteEngine(file, data, counts, options, bitmaps, reads, compressed, tally);
        made.attachBitmaps();
        if (data.isDirect()) {
            made.waiting().setHelpers(beside.helpers());
        }
        bitmapStore = bitmaps;
        withoutReads(() -> shown.show(made.tables(), made.waiting().table()));
        engine = made;
        return made;
    }

    /**
     * Runs what changes the whole image while no request is under way and all is in the file. What
     * memory has of the image is made anew afterwards.
     *
     * @param exchanges whether any byte of the disk may be another one then
     */
    private <T> T alone(boolean exchanges, Function<WholeImage, T> work) {
        changes.pause();
        try {
            checkChangeable();
            health.check(); // Q8: an engine that has failed settles nothing.
            WriteEngine ready = engine();
            ready.settle();
            long oldLength = header.get().virtualSize();
            reads.pause();
            try {
                T result = work.apply(new WholeImage(file, header, health, options));
                health.orFail(() -> snapshots = SnapshotTable.read(file, header.get()));
                return result;
            } catch (RuntimeException | Error failed) {
                snapshots = ImageParts.snapshotsLeft(file, snapshots);
                throw failed;
            } finally {
                try {
                    ready.bitmaps().follow(oldLength, exchanges); // Q13: whatever came of it.
                } finally {
                    reopen();
                }
            }
        } finally {
            changes.resume();
        }
    }

    /** Goes on with what the file has, after reads were paused. */
    private void reopen() {
        engine = null;
        try {
            showFile();
        } finally {
            reads.resume();
        }
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
        return writable && data == file
                ? Optional.of(new ImageCompressing(header, this::writeCompressed))
                : Optional.empty();
    }

    private void writeCompressed(long offset, MemorySegment source) {
        change((engine, view) -> engine.writeCompressed(view, offset, source));
    }

    @Override
    public Optional<Rebasing> rebasing() {
        return writable
                ? Optional.of(new ImageRebasing(header, this::zeroOverAny, this::exclusively))
                : Optional.empty();
    }

    private void zeroOverAny(long offset, long length) {
        change(
                (engine, view) ->
                        engine.zero(
                                view.overAny(), offset, length, ZeroMode.UNMAP, Durability.CACHED));
    }

    private void exclusively(Runnable work) {
        changes.pause();
        try {
            checkChangeable();
            health.check(); // Q8
            settle();
            withoutReads(work);
        } finally {
            changes.resume();
        }
    }

    @Override
    public Optional<Emptying> emptying() {
        return writable ? Optional.of(this::makeEmpty) : Optional.empty();
    }

    private void makeEmpty() {
        changes.pause();
        try {
            checkChangeable();
            WriteEngine ready = engine();
            ready.bitmaps().markAll();
            if (!ContentReset.isPossible(header.get()) || !ready.bitmaps().list().isEmpty()) {
                ready.makeEmpty(shown.get());
                return;
            }
            ready.settle();
            reads.pause();
            try {
                health.orFail(() -> ContentReset.run(file, header.get()));
            } finally { // Perhaps half-way: nobody may read what was freed.
                compressed.forgetAll();
                reopen();
            }
        } finally {
            changes.resume();
        }
    }

    @Override
    public void flush() {
        checkOpen();
        health.check(); // Q8: what a failed flush lost, no later one brings back.
        shown.get().cache().cleanIfDue();
        if (engine != null) { // Else nothing was changed, or all is in the file.
            change((engine, _) -> engine.flush());
        } else {
            file.event(BlockEvent.FLUSH_TO_OS);
        }
    }

    /** Runs a change of the bitmaps while no request is under way. */
    private void changeBitmaps(Consumer<BitmapStore> change) {
        changes.pause();
        try {
            checkOpen(); // While paused: nobody closes it meanwhile.
            checkWritable();
            WriteEngine ready = engine();
            ready.writeOut();
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
        return Optional.of(this::check);
    }

    private CheckReport check(CheckListener listener) {
        changes.pause(); // Reads go on.
        try {
            checkOpen();
            settle();
            return new ConsistencyCheck(file, header.get()).check(listener);
        } finally {
            changes.resume();
        }
    }

    /** Brings all to the file, without spare clusters; while no change is under way. */
    private void settle() {
        WriteEngine ready = engine;
        if (ready == null || ready.isFailed()) {
            return;
        }
        ready.writeOut(); // It may read.
        withoutReads(
                () -> {
                    ready.endBefore(() -> {});
                    showFile();
                    engine = null;
                });
    }

    @Override
    public Optional<Snapshots> snapshots() {
        return writable && data == file
                ? Optional.of(
                        new ImageSnapshots(this::alone, () -> snapshots, this::requireResizable))
                : Optional.empty();
    }

    @Override
    public Optional<Resizing> resizing() {
        return writable ? Optional.of(reshaping()) : Optional.empty();
    }

    @Override
    public Optional<VmState> vmState() {
        return data == file
                ? Optional.of(new ImageVmState(file, header, compressed, this::alone))
                : Optional.empty();
    }

    @Override
    public Optional<Amending> amending() {
        return writable ? Optional.of(reshaping()) : Optional.empty();
    }

    private ImageReshaping reshaping() {
        return new ImageReshaping(data, backing, compressed, this::alone, this::requireResizable);
    }

    private void requireResizable(long newLength) {
        BitmapStore bitmaps = bitmapStore;
        if (bitmaps != null) {
            bitmaps.requireResizable(newLength);
        }
    }

    @Override
    public Optional<CacheUse> cacheUse() {
        return Optional.of(shown.get().cache().use());
    }

    @Override
    public Optional<MappingReport> mapping(long below) {
        checkOpen();
        return Optional.of(ImageParts.mapping(file, header.get(), below, options));
    }

    @Override
    public void trimCaches() {
        shown.get().cache().cleanIfDue();
        beside.tryNow(ready -> ready.waiting().evictOld());
    }

    @Override
    public Optional<CowUse> cowUse() {
        return writable ? Optional.of(tally.use()) : Optional.empty();
    }

    @Override
    public ImageInfo info() {
        Optional<BitmapStore> live = Optional.ofNullable(bitmapStore);
        return ImageParts.info(file, header.get(), length(), snapshots, live);
    }

    @Override
    public void close() {
        if (!closed.getAndSet(true)) {
            try (file;
                    data;
                    backing;
                    compressed) { // The last one first; twice does nothing.
                endChanges();
            } finally {
                shown.get().cache().leaveBudget();
            }
        }
    }

    private void endChanges() {
        changes.pause(); // Requests under way end; what comes now finds the image closed.
        changes.resume();
        BitmapStore bitmaps = bitmapStore;
        boolean unstored = bitmaps != null && bitmaps.isToBeStored() && !health.isFailed();
        WriteEngine ready = unstored ? engine() : engine;
        if (ready != null) {
            ready.close();
        }
        health.checkAtEnd(); // Else who never flushed, or did not listen, would not hear it.
    }
}
