package dev.gaur.format.qcow2;

import dev.gaur.block.BlockException;
import dev.gaur.block.Durability;
import dev.gaur.block.PendingRequest;
import dev.gaur.block.StorageNode;
import dev.gaur.block.ZeroMode;
import dev.gaur.format.DiscardOptions;
import dev.gaur.format.FormatOptions;
import dev.gaur.format.Preallocation;
import dev.gaur.sync.Epoch;
import dev.gaur.sync.RangeLock;
import java.lang.foreign.MemorySegment;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * All that changes an image: made when the first change comes, so that opening writes nothing
 * (Q11). Wires the parts; what they do is theirs.
 */
final class WriteEngine {
    private static final int ENOMEM = 12;

    private final StorageNode file;
    private final StorageNode data;
    private final LiveHeader header;
    private final Health health;
    private final Geometry geometry;
    private final ClusterSet metadata;
    private final ClusterAllocator allocator;
    private final Journal journal;
    private final WriteBack writeBack;
    private final WritePath writePath;
    private final BegunWrites begunWrites;
    private final ZeroPath zeroPath;
    private final CompressedWrites compressedWrites;
    private final BitmapStore bitmaps;
    private final Preallocator preallocator;
    private final CowCache waiting;
    private final boolean lazy;
    private volatile boolean putOff;

    /** One that lets no write wait. */
    WriteEngine(
            StorageNode file,
            StorageNode data,
            LiveHeader header,
            Health health,
            FormatOptions options,
            BitmapStore bitmaps,
            Epoch epoch,
            CompressedClusters reader) {
        this(
                file,
                data,
                CountState.of(file, header, health, options),
                options.withCowCacheBytes(0),
                bitmaps,
                epoch,
                reader,
                new CowTally());
    }

    /**
     * @param state of the image, with true counts and flags
     * @param bitmaps of the image, whose places are known from now on
     * @param epoch of all reads
     * @param tally counts what waits
     */
    WriteEngine(
            StorageNode file,
            StorageNode data,
            CountState state,
            FormatOptions options,
            BitmapStore bitmaps,
            Epoch epoch,
            CompressedClusters reader,
            CowTally tally) {
        this.file = file;
        this.bitmaps = bitmaps;
        this.data = data;
        this.header = state.header();
        this.health = state.health();
        Header now = header.get();
        this.geometry = now.geometry();
        Refcounts refcounts = state.counts();
        this.metadata = state.metadata();
        this.allocator = new ClusterAllocator(file, geometry, refcounts, metadata, health);
        this.journal = new Journal(file, header, allocator, metadata, health);
        state.journal().ifPresent(journal::resume);
        refcounts.setJournal(journal);
        DiscardOptions discard = options.discard();
        this.writeBack =
                new WriteBack(
                        file, data, header, allocator, journal, metadata, health, epoch, discard);
        Linker linker = new Linker(file, now, allocator, metadata, writeBack);
        RangeLock claims = new RangeLock();
        this.begunWrites = new BegunWrites(file, data, geometry, metadata, epoch);
        this.writePath =
                new WritePath(
                        file, data, geometry, allocator, metadata, linker, epoch, claims, health);
        long waitingBytes = CowCache.bytes(options, file);
        this.waiting =
                new CowCache(geometry, writePath, health, tally, waitingBytes, System::nanoTime);
        boolean keepPlaces = discard.noUnref();
        this.zeroPath = new ZeroPath(file, data, now, linker, writePath, claims, keepPlaces);
        this.compressedWrites =
                new CompressedWrites(
                        file, now, allocator, metadata, linker, writePath, claims, health, reader);
        this.preallocator = new Preallocator(file, data, geometry, allocator, linker);
        boolean asked = (now.compatible() & Header.LAZY_REFCOUNTS) != 0;
        this.lazy = now.version() >= 3 && options.lazyRefcounts().orElse(asked);
        writeBack.setLazy(lazy);
    }

    /** Prepares the bitmaps for changes; to be called before the first one. */
    void attachBitmaps() {
        bitmaps.attach(allocator, metadata);
    }

    /** The tables of the active state, whose changes are seen before they are in the file. */
    MappingTables tables() {
        return writeBack.tables();
    }

    /** The clusters that are in memory only, and how much memory they take. */
    CowCache waiting() {
        return waiting;
    }

    /** The dirty bitmaps; to be changed only while no request is under way. */
    BitmapStore bitmaps() {
        health.check();
        return bitmaps;
    }

    /** The disk may have become smaller since the range was checked. */
    private void check(View view, long guestOffset, long length) {
        Objects.checkFromIndexSize(guestOffset, length, view.length());
        health.check();
    }

    void write(View view, long guestOffset, MemorySegment source, Durability durability) {
        check(view, guestOffset, source.byteSize());
        bitmaps.mark(guestOffset, source.byteSize());
        boolean stable = durability == Durability.STABLE;
        waiting.write(view, guestOffset, source, !stable);
        if (stable) {
            waiting.writeOut(guestOffset, source.byteSize()); // Q15: also what it only filled.
        }
        finish(durability);
    }

    /** Begins to overwrite what has a place and does not wait; see the waist. */
    @Nullable PendingRequest beginWrite(View view, long guestOffset, MemorySegment source) {
        check(view, guestOffset, source.byteSize());
        bitmaps.mark(guestOffset, source.byteSize());
        boolean plain = waiting.isPlain(guestOffset, source.byteSize());
        return plain ? begunWrites.tryBegin(view, guestOffset, source) : null;
    }

    void zero(View view, long guestOffset, long length, ZeroMode mode, Durability durability) {
        check(view, guestOffset, length);
        bitmaps.mark(guestOffset, length);
        waiting.replace(
                guestOffset,
                length,
                () -> {
                    zeroPath.zero(view, guestOffset, length, mode);
                    return true;
                });
        finish(durability);
    }

    void discard(View view, long guestOffset, long length) {
        check(view, guestOffset, length);
        bitmaps.mark(guestOffset, length);
        long end = guestOffset + length;
        long first = geometry.alignUp(guestOffset);
        long last = end == view.length() ? end : geometry.alignDown(end);
        waiting.replace(first, last - first, () -> zeroPath.discard(view, guestOffset, length));
        finish(Durability.CACHED);
    }

    void writeCompressed(View view, long guestOffset, MemorySegment source) {
        check(view, guestOffset, source.byteSize());
        bitmaps.mark(guestOffset, source.byteSize());
        waiting.replace(
                guestOffset,
                source.byteSize(),
                () -> {
                    compressedWrites.write(view, guestOffset, source);
                    return true;
                });
        finish(Durability.CACHED);
    }

    /** Drops all that the active state holds, cluster by cluster. Stable when it returned. */
    void makeEmpty(View view) {
        health.check();
        bitmaps.markAll();
        zeroPath.dropAll(
                view,
                () -> {
                    finish(Durability.CACHED);
                    checkpoint();
                });
        writeBack.flush();
        waiting.forgetAll();
        if (data != file) { // Only now that no entry leads there.
            data.zero(0, data.length(), ZeroMode.UNMAP, Durability.STABLE);
        }
    }

    /**
     * Writes everything out and then runs what changes the file beside this engine, which is not to
     * be used afterwards. Bitmaps stay in memory, for the next engine.
     */
    void endBefore(Runnable change) {
        health.check();
        settle(); // Bitmaps stay in memory: what comes after may change the disk.
        health.orFail(change);
    }

    /** Tells whether a failure has ended all changes. */
    boolean isFailed() {
        return health.isFailed();
    }

    /** Forgets all entries of whole clusters: what lies below shows. */
    void drop(View view, long from, long end) {
        health.check();
        waiting.replace(
                from,
                end - from,
                () -> {
                    zeroPath.drop(view, from, end);
                    return true;
                });
        finish(Durability.CACHED);
    }

    /** Gives clusters to a range that has none. */
    void preallocate(View view, long from, long end, Preallocation preallocation) {
        health.check();
        preallocator.preallocate(view, from, end, preallocation, writeBack::throttle);
    }

    private void finish(Durability durability) {
        if (durability == Durability.STABLE) {
            writeBack.flush();
        } else {
            writeBack.throttle();
        }
    }

    /** Makes all stable that was written before; also what can be if something cannot. */
    void flush() {
        health.check();
        RuntimeException unwritten = null;
        try {
            writeOut();
        } catch (BlockException failed) {
            unwritten = failed;
        }
        writeBack.flush();
        putOff = false;
        if (unwritten != null) {
            throw unwritten;
        }
    }

    /** Brings to the file what waits in memory for more; nothing after a failure. */
    void writeOut() {
        if (!health.isFailed()) {
            waiting.writeOutAll(writeBack::throttle);
        }
    }

    /** Whether {@link #checkpoint} shall be called soon. */
    boolean isCheckpointDue() {
        return journal.isDue() && !putOff;
    }

    /**
     * Empties the journal if it is time; while no change is under way. Never fails: what set it off
     * is done. On a full disk it is put off until a flush has succeeded; after any other failure
     * the image is failed, which the next flush says.
     */
    void checkpoint() {
        if (!isCheckpointDue() || health.isFailed()) {
            return;
        }
        compressedWrites.close(); // Counts are nothing but references then.
        try {
            writeBack.flush();
            health.orAgain(() -> allocator.withoutStep(journal::checkpoint), () -> {});
        } catch (BlockException _) {
            putOff = true;
        }
    }

    /**
     * Writes everything out, so that the file has true counts, no spare clusters and no dirty bit.
     * Does nothing after a failure: what the file has then is for a repair. Bitmaps stay in memory,
     * and marked as in use in the file.
     */
    void settle() {
        compressedWrites.close();
        if (health.isFailed()) {
            return;
        }
        writeOut();
        writeBack.flush();
        health.orFail(
                () -> {
                    allocator.close();
                    allocator.withoutStep(journal::end);
                    allocator.cut();
                    if (lazy) {
                        header.setIncompatible(Header.DIRTY, false);
                    }
                });
    }

    /**
     * Settles, and stores the bitmaps. Those that cannot be stored stay marked as in use; all else
     * that can be is in the file before that is thrown.
     */
    void close() {
        RuntimeException lost = null;
        try {
            if (!waiting.isEmpty() || !health.isFailed()) {
                flush();
                if (!journal.isOff() && bitmaps.isToBeStored()) {
                    settle(); // Counts of bitmaps are none of the journal's business.
                }
                bitmaps.store(allocator, metadata, health);
            }
        } catch (RuntimeException failed) {
            lost = failed;
        } catch (OutOfMemoryError none) {
            lost =
                    new BlockException.Media(
                            file.name(),
                            "memory",
                            BlockException.NO_OFFSET,
                            "none is left",
                            ENOMEM,
                            none);
        }
        waiting.forgetAll(); // What could not be written is lost: that is thrown.
        settle();
        if (lost != null) {
            throw lost;
        }
    }

    /** Says that an image cannot be written to as it is. */
    static void requireWritable(String image, Header header) {
        if (header.has(Header.CORRUPT)) {
            throw new BlockException.Denied(
                    image, "", "Image is corrupt; cannot be opened read/write");
        }
        if (header.cryptMethod() != 0) {
            throw new BlockException.Unsupported(
                    image, "encryption", "encrypted images are not supported yet");
        }
    }
}
