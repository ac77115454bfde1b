package dev.gaur.verify.engine;

import dev.gaur.block.BlockException;
import dev.gaur.block.Durability;
import dev.gaur.format.Bitmaps;
import dev.gaur.format.FormatOptions;
import dev.gaur.format.Image;
import dev.gaur.format.Preallocation;
import dev.gaur.format.SnapshotInfo;
import dev.gaur.format.Snapshots;
import dev.gaur.testkit.DiskModel;
import dev.gaur.testkit.TestBytes;
import java.lang.foreign.MemorySegment;
import java.time.Instant;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.function.LongSupplier;

/** Does operations to an image and to its model, and compares. Not safe for many threads. */
final class Session implements AutoCloseable {
    private final TestImage files;
    private final DiskModel model;
    private final FormatOptions options;
    private final LongSupplier clock;
    private final boolean faulty;
    private final BitmapHistory bitmaps;
    private final Map<Class<?>, Integer> doneOf = new HashMap<>();
    private Image image;
    private int failures;
    private int done;
    private boolean over;

    /** Whether the operation at hand has tried anything, and whether the first of that was done. */
    private boolean tried;

    private boolean effective;

    /**
     * Opens an image.
     *
     * @param clock tells moments for the model
     * @param faulty whether operations may fail
     * @param bitmaps is told of them
     */
    Session(
            TestImage files,
            DiskModel model,
            FormatOptions options,
            LongSupplier clock,
            boolean faulty,
            BitmapHistory bitmaps) {
        this.files = files;
        this.model = model;
        this.options = options;
        this.clock = clock;
        this.faulty = faulty;
        this.bitmaps = bitmaps;
        this.image = files.open(options);
    }

    /** Opens an image that must not fail. */
    static Session of(TestImage files, DiskModel model) {
        return of(files, model, new BitmapHistory());
    }

    /**
     * Opens an image that must not fail.
     *
     * @param seed says how much may wait in memory
     */
    static Session of(TestImage files, DiskModel model, long seed) {
        FormatOptions options = FormatOptions.DEFAULT;
        options = options.withCowCacheBytes(Workload.waiting(seed, files.spec()));
        return new Session(files, model, options, () -> 0, false, new BitmapHistory());
    }

    /** Opens an image with bitmaps that must not fail. */
    static Session of(TestImage files, DiskModel model, BitmapHistory bitmaps) {
        return new Session(files, model, FormatOptions.DEFAULT, () -> 0, false, bitmaps);
    }

    Image image() {
        return image;
    }

    /** How many operations failed. */
    int failures() {
        return failures;
    }

    /** How many operations of a kind did anything. */
    int done(Class<?> kind) {
        return doneOf.getOrDefault(kind, 0);
    }

    /** Does one operation. */
    void run(Op op) {
        if (over) {
            return; // It could not be opened again.
        }
        model.begin(clock.getAsLong());
        tried = false;
        effective = false;
        doIt(op);
        doneOf.merge(op.getClass(), effective ? 1 : 0, Integer::sum);
    }

    private void doIt(Op op) {
        switch (op) {
            case Op.Write write -> write(write);
            case Op.Compressed write -> writeCompressed(write);
            case Op.Zero zero -> zero(zero);
            case Op.Discard discard -> discard(discard);
            case Op.Read read -> read(read.offset(), within(read.offset(), read.length()));
            case Op.Flush() -> flush();
            case Op.Reopen reopen -> reopen(reopen.flushed());
            case Op.Take take -> take(take.name());
            case Op.Apply apply -> apply(apply.which());
            case Op.Delete delete -> delete(delete.which());
            case Op.Resize resize -> resize(resize.length());
            case Op.AddBitmap add -> addBitmap(add.name(), add.granularity());
            case Op.ClearBitmap clear -> clearBitmap(clear.which());
            case Op.RemoveBitmap remove -> removeBitmap(remove.which());
        }
    }

    /** Does all of a list. */
    void run(List<Op> ops) {
        ops.forEach(this::run);
    }

    /** How much of a range the disk has. */
    private int within(long offset, int length) {
        return Math.clamp(image.length() - offset, 0, length);
    }

    /** Tries something; tells whether it was done. */
    private boolean succeeds(Runnable request) {
        boolean first = !tried;
        tried = true;
        try {
            request.run();
            done++;
            effective |= first;
            return true;
        } catch (BlockException | OutOfMemoryError failure) {
            if (!faulty) {
                throw failure;
            }
            failures++;
            return false;
        }
    }

    private static Durability durability(boolean stable) {
        return stable ? Durability.STABLE : Durability.CACHED;
    }

    private void write(Op.Write op) {
        byte[] bytes = Op.bytes(op.seed(), within(op.offset(), op.length()));
        if (bytes.length == 0) {
            return;
        }
        MemorySegment source = MemorySegment.ofArray(bytes);
        boolean succeeded =
                succeeds(() -> image.write(op.offset(), source, durability(op.stable())));
        model.write(op.offset(), bytes, succeeded);
        if (succeeded && op.stable()) {
            model.stable(op.offset(), bytes.length, clock.getAsLong());
        }
        read(op.offset(), bytes.length);
    }

    private void writeCompressed(Op.Compressed op) {
        if (image.compressing().isEmpty()) {
            return;
        }
        byte[] bytes = Op.bytes(op.seed(), within(op.offset(), op.length()));
        if (bytes.length == 0) {
            return;
        }
        MemorySegment source = MemorySegment.ofArray(bytes);
        boolean succeeded =
                succeeds(
                        () ->
                                image.compressing()
                                        .orElseThrow()
                                        .writeCompressed(op.offset(), source));
        model.write(op.offset(), bytes, succeeded);
        read(op.offset(), bytes.length);
    }

    private void zero(Op.Zero op) {
        int length = within(op.offset(), op.length());
        if (length == 0) {
            return;
        }
        boolean succeeded;
        try {
            succeeded =
                    succeeds(
                            () ->
                                    image.zero(
                                            op.offset(),
                                            length,
                                            op.mode(),
                                            durability(op.stable())));
        } catch (BlockException.Unsupported refused) {
            if (op.mode().mayWrite()) {
                throw refused;
            }
            succeeded = false;
        }
        model.zero(op.offset(), length, succeeded);
        if (succeeded && op.stable()) {
            model.stable(op.offset(), length, clock.getAsLong());
        }
        read(op.offset(), length);
    }

    private void discard(Op.Discard op) {
        int length = within(op.offset(), op.length());
        if (length == 0) {
            return;
        }
        boolean succeeded;
        boolean toZero = files.spec().discardsToZero();
        try {
            succeeded = succeeds(() -> image.discard(op.offset(), length));
        } catch (BlockException.Unsupported refused) {
            if (toZero) {
                throw refused;
            }
            succeeded = false;
        }
        if (!succeeded) {
            model.zero(op.offset(), length, false);
            return;
        }
        long cluster = files.spec().clusterSize();
        long end = op.offset() + length;
        long last = end == image.length() ? end : end / cluster * cluster;
        byte[] found = readDespiteAFault(op.offset(), length);
        if (found.length == 0) {
            model.zero(op.offset(), length, false);
            return;
        }
        model.discard(
                op.offset(),
                found,
                toZero ? Math.ceilDiv(op.offset(), cluster) * cluster : 0,
                toZero ? last : 0);
    }

    /** Reads, once more if it must; returns nothing if the image cannot be read any more. */
    private byte[] readDespiteAFault(long offset, int length) {
        byte[][] found = {{}};
        Runnable read = () -> found[0] = TestBytes.readArray(image, offset, length);
        for (int i = 0; i < 2; i++) {
            if (succeeds(read)) {
                return found[0];
            }
        }
        return new byte[0];
    }

    private void read(long offset, int length) {
        if (length == 0) {
            return;
        }
        byte[][] found = {{}};
        boolean other = done % 8 == 0;
        Runnable read =
                () ->
                        found[0] =
                                other
                                        ? TestBytes.read(image, offset, length)
                                        : TestBytes.readArray(image, offset, length);
        if (succeeds(read)) {
            model.checkRead(offset, found[0]);
        }
    }

    /** Flushes; tells whether that was done. */
    boolean flush() {
        boolean succeeded = succeeds(() -> image.flush());
        if (succeeded) {
            model.flushed(clock.getAsLong());
        }
        return succeeded;
    }

    private void reopen(boolean flushed) {
        boolean stable = flushed && flush();
        close(() -> succeeds(() -> image.close()));
        over = !succeeds(() -> image = files.open(options));
        if (!stable && !over) {
            over = !succeeds(this::settle);
        }
    }

    /** Sees what a process left that did not flush. */
    private void settle() {
        model.check(image, DiskModel.AFTER_ALL);
        model.settle(image, model.checkSnapshots(names(), DiskModel.AFTER_ALL));
    }

    private List<String> names() {
        return image.info().snapshots().stream().map(SnapshotInfo::name).toList();
    }

    /** What an image says that it has, failed or not, it may have. */
    private List<String> checkedNames() {
        List<SnapshotInfo> list = image.snapshots().map(Snapshots::list).orElse(List.of());
        List<String> names = list.stream().map(SnapshotInfo::name).toList();
        model.checkSnapshots(names, DiskModel.NOW);
        return names;
    }

    /** An image that went on after a failure knows which snapshots it had then. */
    private void foundBefore(List<String> names, boolean succeeded) {
        if (succeeded && failures > 0) {
            model.found(names);
        }
    }

    private void take(String name) {
        List<String> before = checkedNames();
        boolean possible =
                image.snapshots().isPresent() && files.spec().options().refcountBits() > 1;
        if (!possible || before.contains(name)) { // The model knows them by their names.
            return;
        }
        SnapshotInfo wish =
                new SnapshotInfo("", name, Instant.EPOCH, 0, 0, 0, OptionalLong.empty());
        boolean succeeded;
        try {
            succeeded =
                    succeeds(
                            () ->
                                    unlessTooNarrow(
                                            () -> image.snapshots().orElseThrow().create(wish)));
        } catch (BlockException.Unsupported _) {
            return;
        }
        foundBefore(before, succeeded);
        model.take(name, image.length(), succeeded, clock.getAsLong());
    }

    /** Where counts are narrow, a cluster can be shared only so often. */
    private void unlessTooNarrow(Runnable request) {
        try {
            request.run();
        } catch (BlockException.Media refused) {
            if (refused.errno() == EINVAL && files.spec().options().refcountBits() < 8) {
                throw new BlockException.Unsupported("", "refcounts", refused.found());
            }
            throw refused;
        }
    }

    private static final int EINVAL = 22;

    private void apply(int which) {
        List<String> before = checkedNames();
        if (image.snapshots().isEmpty() || model.snapshots().isEmpty()) {
            return;
        }
        DiskModel.Snapshot chosen = model.snapshots().get(which % model.snapshots().size());
        if (!before.contains(chosen.name())) {
            return; // Only perhaps is it there: an image that has failed does not know.
        }
        Snapshots snapshots = image.snapshots().orElseThrow();
        boolean succeeded;
        try {
            succeeded = succeeds(() -> unlessTooNarrow(() -> snapshots.apply(chosen.name())));
        } catch (BlockException.Unsupported _) {
            return;
        }
        foundBefore(before, succeeded);
        model.apply(chosen, succeeded, clock.getAsLong());
        resized(succeeded);
    }

    /** An image knows how long its disk is, whether it could change that or not. */
    private void resized(boolean succeeded) {
        if (!succeeded) {
            model.found(image.length());
        }
        bitmaps.resized(image.length());
    }

    private void delete(int which) {
        List<String> before = checkedNames();
        if (image.snapshots().isEmpty() || model.snapshots().isEmpty()) {
            return;
        }
        String name = model.snapshots().get(which % model.snapshots().size()).name();
        if (!before.contains(name)) {
            return; // Likewise.
        }
        Snapshots snapshots = image.snapshots().orElseThrow();
        boolean succeeded =
                succeeds(
                        () ->
                                snapshots.list().stream()
                                        .filter(each -> each.name().equals(name))
                                        .forEach(each -> snapshots.delete(each.id())));
        foundBefore(before, succeeded);
        model.delete(name, succeeded, clock.getAsLong());
    }

    private void resize(long length) {
        if (image.resizing().isEmpty()) {
            return;
        }
        boolean succeeded;
        try {
            succeeded =
                    succeeds(
                            () -> image.resizing().orElseThrow().resize(length, Preallocation.OFF));
        } catch (BlockException.Unsupported _) {
            return; // Version 2 over a longer backing file, for one.
        }
        model.resize(length, succeeded, clock.getAsLong());
        resized(succeeded);
    }

    private void addBitmap(String name, long granularity) {
        if (image.bitmaps().isEmpty()) {
            return;
        }
        Bitmaps present = image.bitmaps().orElseThrow();
        try {
            if (succeeds(() -> present.add(name, granularity, true))) {
                nowEmpty(name);
            }
        } catch (BlockException.Unsupported _) {
            // Version 2, for one.
        }
    }

    /** What changes from now on is marked. */
    private void nowEmpty(String name) {
        byte[] disk = readDespiteAFault(0, Math.toIntExact(image.length()));
        if (disk.length > 0) {
            bitmaps.emptied(name, disk);
        } else {
            bitmaps.forget(name);
        }
    }

    private void clearBitmap(int which) {
        if (!bitmaps.names().isEmpty()) {
            String name = bitmaps.names().get(which % bitmaps.names().size());
            if (succeeds(() -> image.bitmaps().orElseThrow().clear(name))) {
                nowEmpty(name);
            }
        }
    }

    private void removeBitmap(int which) {
        if (!bitmaps.names().isEmpty()) {
            String name = bitmaps.names().get(which % bitmaps.names().size());
            if (succeeds(() -> image.bitmaps().orElseThrow().remove(name))) {
                bitmaps.forget(name);
            }
        }
    }

    /** Compares all of the disk and its snapshots, and looks at its bitmaps. */
    void checkAll() {
        model.check(image, DiskModel.NOW);
        model.checkSnapshots(names(), DiskModel.NOW);
        bitmaps.checkNow(image);
    }

    @Override
    public void close() {
        if (over) {
            image.close();
        } else {
            close(image::close);
        }
    }

    /** Closes; the bitmaps are stored then, or perhaps. */
    private void close(Runnable close) {
        int before = failures;
        long begun = clock.getAsLong();
        bitmaps.maybeStored(begun);
        close.run();
        if (failures == before) {
            bitmaps.stored(begun, clock.getAsLong());
        }
    }
}
