package dev.gaur.job;

import dev.gaur.block.BlockException;
import dev.gaur.block.BlockIo;
import dev.gaur.block.BlockNode;
import dev.gaur.block.StorageNode;
import dev.gaur.codec.ClusterEncoder;
import dev.gaur.filter.LentNode;
import dev.gaur.filter.LentStorage;
import dev.gaur.format.Compressing;
import dev.gaur.format.FormatOptions;
import dev.gaur.format.Image;
import dev.gaur.format.ReferenceOpener;
import dev.gaur.format.qcow2.ImageCreator;
import dev.gaur.format.qcow2.Qcow2CreateOptions;
import dev.gaur.format.qcow2.Qcow2Format;
import dev.gaur.graph.BlockDevice;
import dev.gaur.job.Chunk.Content;
import dev.gaur.mem.Bytes;
import dev.gaur.storage.Reference;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Supplier;

/**
 * Copies disks, one behind the other, into one target.
 *
 * <p>Several workers take chunks of the source, each the next one. A worker reads its chunk, finds
 * its zeros, compresses it where that is asked for, and waits for its turn to be given a place. So
 * places are given in the order of the disk, whatever the workers' speed. One worker at a time
 * writes what is ready ({@link WriteQueue}); all else runs in parallel. What the source says is
 * empty is not read. Memory: a megabyte for each worker, and a few more.
 */
public final class Convert {
    /** Bytes of a chunk: small enough to stay in a core's cache between reading and writing. */
    private static final int CHUNK = 1 << 20;

    /** How many chunks may wait for the writer, beside those in work. */
    private static final int WAITING = 4;

    /**
     * The backing files of the source and of a new image, which must read the same as far as both
     * go.
     *
     * @param sourceLength bytes of the source's backing file, 0 if it has none
     * @param targetLength bytes of the target's backing file, 0 if it has none
     */
    public record Backing(long sourceLength, long targetLength) {
        /** No backing files. */
        public static final Backing NONE = new Backing(0, 0);
    }

    private final ConvertSource source;
    private final ConvertTarget target;
    private final ConvertOptions options;
    private final JobControl control;
    private final int chunkSize;
    private final ChunkSource chunks;
    private final Turnstile turnstile = new Turnstile();
    private final Throttle throttle;
    private final WriteQueue<Parcel> queue;
    private final List<ConvertTarget.Writer> writers = new ArrayList<>();

    /** What goes round between workers: a chunk, and what writes it. */
    private record Parcel(Chunk chunk, ConvertTarget.Writer writer) {}

    private Convert(
            List<? extends BlockIo> disks,
            ConvertTarget target,
            ConvertOptions options,
            JobControl control) {
        this.source = new ConvertSource(disks);
        this.target = target;
        this.options = options;
        this.control = control;
        this.chunkSize = Math.max(CHUNK, target.needs().unit());
        this.chunks = new ChunkSource(source, target.needs(), chunkSize);
        this.throttle = new Throttle(options.bytesPerSecond());
        int parcels = options.workers() + WAITING;
        this.queue = new WriteQueue<>(parcels, this::newParcel, this::write);
    }

    /** Returns how long a target of these disks is: their sum, each in whole sectors. */
    public static long length(List<? extends BlockIo> disks) {
        return new ConvertSource(disks).length();
    }

    /**
     * Copies into a disk that is written in place: a raw file, a block device. Blocks; nothing is
     * forced to the disk.
     *
     * @param target at least as long as the sources
     * @param isZero the target is known to read as zeros everywhere
     * @throws BlockException if the source cannot be read or the target not be written; the target
     *     has some of the data then
     * @throws java.util.concurrent.CancellationException if the job was cancelled
     */
    public static void toDisk(
            List<? extends BlockIo> disks,
            StorageNode target,
            boolean isZero,
            ConvertOptions options,
            JobControl control) {
        RawTarget raw = RawTarget.ofStorage(target, isZero, options.sparseBytes());
        new Convert(disks, raw, options, control).run();
    }

    /**
     * Copies into an image that is there, of any format and whatever it holds. What lies behind the
     * end of the sources stays as it is. Blocks; nothing is forced to the disk.
     *
     * @param target open for writing, at least as long as the sources
     * @param backing the files below source and target if what only the source's has is not to be
     *     copied; {@link Backing#NONE} to copy all
     * @param isZero the target is known to read as zeros everywhere
     * @param compress stores clusters compressed
     * @throws BlockException.Unsupported if the target's format cannot compress
     * @throws BlockException if the source cannot be read or the target not be written; the target
     *     has some of the data then
     * @throws java.util.concurrent.CancellationException if the job was cancelled
     */
    public static void toOpenImage(
            List<? extends BlockIo> disks,
            BlockDevice target,
            Backing backing,
            boolean isZero,
            boolean compress,
            ConvertOptions options,
            JobControl control) {
        Optional<Compressing> compressing = compress ? target.compressing() : Optional.empty();
        if (compress && compressing.isEmpty()) {
            throw new BlockException.Unsupported(
                    target.image().name(),
                    "compression",
                    "Compression not supported for this file format");
        }
        // What the source leaves to its backing file is not copied along with its neighbours.
        boolean over = backing.targetLength() > 0;
        int cluster = Math.max(1, target.image().info().clusterSize());
        int unit = over && !compress ? ConvertSource.SECTOR : cluster;
        Backing below = over ? new Backing(backing.sourceLength(), Long.MAX_VALUE) : Backing.NONE;
        RawTarget open =
                new RawTarget(target, unit, below, isZero, options.sparseBytes(), compressing);
        new Convert(disks, open, options, control).run();
    }

    /**
     * Copies into a new qcow2 image whose clusters lie in an external data file. Over a backing
     * file, only what the top layer of the source has is copied. Blocks; nothing is forced to the
     * disk.
     *
     * @param file of the image; its content is lost
     * @param data the data file; its content is lost
     * @param isZero the data file is known to read as zeros everywhere
     * @param create the image to be made, of the size that {@link #length} tells or more
     * @param below the backing files of source and target
     * @param backing the target's backing file, which stays the caller's; empty if it has none
     * @throws BlockException if the source cannot be read or a file not be written
     * @throws java.util.concurrent.CancellationException if the job was cancelled
     */
    public static void toImageWithDataFile(
            List<? extends BlockIo> disks,
            StorageNode file,
            StorageNode data,
            boolean isZero,
            Qcow2CreateOptions create,
            Backing below,
            Optional<? extends BlockNode> backing,
            ConvertOptions options,
            JobControl control) {
        ImageCreator.create(file, Optional.of(data), create);
        StorageNode lentFile = new LentStorage(file);
        ReferenceOpener references =
                new Given(new LentStorage(data), backing.<BlockNode>map(LentNode::new));
        try (Image image = Qcow2Format.INSTANCE.open(lentFile, FormatOptions.DEFAULT, references)) {
            int unit = image.info().clusterSize();
            boolean skips = isZero && backing.isEmpty();
            int sparse = options.sparseBytes();
            RawTarget open = new RawTarget(image, unit, below, skips, sparse, Optional.empty());
            new Convert(disks, open, options, control).run();
        }
    }

    /** Has the files of a new image, which has no name yet. */
    private record Given(StorageNode data, Optional<BlockNode> below) implements ReferenceOpener {
        @Override
        public BlockNode backing(Reference reference) {
            return below.orElseThrow();
        }

        @Override
        public StorageNode dataFile(Reference reference) {
            return data;
        }
    }

    /**
     * Copies into a new qcow2 image. Blocks; nothing is forced to the disk. Until it returns, the
     * file is no image: its header is written last.
     *
     * @param file its content is lost
     * @param create the image to be made, of the size that {@link #length} tells or more
     * @param backing the files below source and target; over one, only what the top layer of the
     *     source has is copied
     * @param encoders makes compressors, one for each worker; empty to leave clusters plain
     * @throws BlockException if the source cannot be read or the file not be written
     * @throws java.util.concurrent.CancellationException if the job was cancelled
     */
    public static void toImage(
            List<? extends BlockIo> disks,
            StorageNode file,
            Qcow2CreateOptions create,
            Backing backing,
            Optional<Supplier<ClusterEncoder>> encoders,
            ConvertOptions options,
            JobControl control) {
        boolean sparse = options.sparseBytes() > 0;
        ImageTarget image = new ImageTarget(file, create, backing, sparse, encoders);
        new Convert(disks, image, options, control).run();
    }

    private void run() {
        try {
            new Workers(this::stop).run("gaur-convert", options.workers(), this::work);
            target.finish();
        } finally {
            writers.forEach(ConvertTarget.Writer::close);
        }
    }

    private void stop() {
        chunks.close();
        turnstile.close();
        queue.close();
    }

    private Parcel newParcel() {
        ConvertTarget.Writer writer = target.writer(chunkSize);
        writers.add(writer);
        return new Parcel(new Chunk(target.needs().unit(), chunkSize), writer);
    }

    private void work() {
        Parcel parcel = queue.take();
        while (chunks.next(parcel.chunk())) {
            control.checkCancelled();
            prepare(parcel.chunk(), parcel.writer());
            queue.put(parcel);
            parcel = queue.take();
        }
        queue.giveBack(parcel);
    }

    private void prepare(Chunk chunk, ConvertTarget.Writer writer) {
        if (!chunk.isHole()) {
            throttle.take(chunk.length());
            read(chunk);
            writer.prepare(chunk);
        }
        if (target.needs().order()) {
            turnstile.pass(chunk.ticket(), () -> writer.place(chunk));
        }
    }

    private void write(Parcel parcel) {
        parcel.writer().write(parcel.chunk());
        control.add(parcel.chunk().length(), source.length());
    }

    /** Fills the chunk and finds out what its units are. */
    private void read(Chunk chunk) {
        chunk.clearTail();
        for (int first = 0, end; first < chunk.units(); first = end) {
            end = chunk.runEnd(first);
            switch (chunk.content(first)) {
                case DATA -> readData(chunk, first, end);
                case ZERO -> giveZeros(chunk, first, end);
                case BACKING -> {}
            }
        }
    }

    private void readData(Chunk chunk, int first, int end) {
        long offset = chunk.offset() + chunk.startOf(first);
        try {
            source.read(offset, chunk.bytes(first, end));
        } catch (BlockException failure) {
            if (!options.salvage()) {
                throw failure;
            }
            salvage(offset, chunk.bytes(first, end));
        }
        for (int i = first; i < end && !target.needs().zerosAsData(); i++) {
            if (Bytes.isZero(chunk.wholeUnits(i, i + 1))) {
                chunk.setContent(i, target.needs().zeros(chunk.offset() + chunk.startOf(i)));
            }
        }
    }

    /** Reads what can be read, and takes zeros for the rest. */
    private void salvage(long offset, MemorySegment bytes) {
        for (long at = 0; at < bytes.byteSize(); at += ConvertSource.SECTOR) {
            MemorySegment sector = bytes.asSlice(at, ConvertSource.SECTOR);
            try {
                source.read(offset + at, sector);
            } catch (BlockException failure) {
                sector.fill((byte) 0);
                control.warn(
                        "error while reading offset " + (offset + at) + ": " + failure.found());
            }
        }
    }

    private void giveZeros(Chunk chunk, int first, int end) {
        if (target.needs().zerosAsData()) {
            chunk.wholeUnits(first, end).fill((byte) 0);
            for (int i = first; i < end; i++) {
                chunk.setContent(i, Content.DATA);
            }
        }
    }
}
