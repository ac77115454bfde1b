package dev.gaur.job;

import dev.gaur.block.BlockException;
import dev.gaur.block.Durability;
import dev.gaur.block.Extent;
import dev.gaur.block.ZeroMode;
import dev.gaur.format.Image;
import dev.gaur.format.Preallocation;
import dev.gaur.graph.BlockDevice;
import dev.gaur.mem.BufferPool;
import java.lang.foreign.MemorySegment;

/**
 * Writes what an image and the layers between have into a backing file, so that this reads as the
 * image does. Several workers take the next range each; what the layers say is zero becomes zero,
 * and what they don't have is not read.
 *
 * <p>Whenever the job fails, is cancelled or the machine dies, the image reads as before: nothing
 * is dropped from it before all of it is stable in the backing file.
 */
public final class Commit {
    /** Bytes of a range: the buffer stays in a core's cache between reading and writing. */
    private static final int CHUNK = 512 << 10;

    /** What has to be done in a range. */
    private enum Task {
        /** The backing file has it already. */
        NOTHING,
        /** The backing file has to read as zeros. */
        ZERO,
        /** Bytes have to be copied. */
        COPY
    }

    private final BlockDevice disk;
    private final Image base;
    private final int depth;
    private final long baseLength;
    private final Pieces<Task> pieces;
    private final int chunkSize;
    private final Throttle throttle;
    private final EarlyFlush earlyFlush;
    private final JobControl control;
    private long position;

    private Commit(BlockDevice disk, int depth, long bytesPerSecond, JobControl control) {
        this.disk = disk;
        this.base = disk.layers().get(depth);
        this.depth = depth;
        this.baseLength = base.length();
        this.pieces = new Pieces<>(disk, this::task, Task.NOTHING);
        int unit = base.limits().preferredSize();
        for (Image layer : disk.layers().subList(0, depth)) {
            unit = Math.max(unit, layer.limits().preferredSize());
        }
        this.chunkSize = Math.max(CHUNK, unit);
        this.throttle = new Throttle(bytesPerSecond);
        this.earlyFlush = new EarlyFlush(base::flush);
        this.control = control;
    }

    /**
     * Copies into a backing file. Blocks; all is stable when it returned. A backing file that is
     * smaller than the disk grows; one that is larger keeps what it has behind that.
     *
     * @param disk opened with its chain; nobody writes to it meanwhile
     * @param depth the layer to write to, opened for writing: 1 is the image's own backing file
     * @param workers how many threads work
     * @param bytesPerSecond to be copied at most, 0 for no bound
     * @throws BlockException if something cannot be read or written
     * @throws java.util.concurrent.CancellationException if the job was cancelled
     */
    public static void run(
            BlockDevice disk, int depth, int workers, long bytesPerSecond, JobControl control) {
        Commit job = new Commit(disk, depth, bytesPerSecond, control);
        job.growBase();
        new Workers(job::stop).run("gaur-commit", workers, job::work);
        job.base.flush();
    }

    /**
     * Drops the content of an image, after {@link #run} brought it to its own backing file.
     *
     * @throws BlockException if that failed; the disk reads as before nevertheless
     */
    public static void makeEmpty(BlockDevice disk) {
        Image image = disk.image();
        image.emptying()
                .orElseThrow(
                        () ->
                                new BlockException.Unsupported(
                                        image.name(), "", "the format cannot drop its content"))
                .makeEmpty();
    }

    private void growBase() {
        if (baseLength >= disk.length()) {
            return;
        }
        base.resizing()
                .orElseThrow(
                        () ->
                                new BlockException.Unsupported(
                                        base.name(),
                                        "",
                                        "is smaller than the image and cannot grow"))
                .resize(disk.length(), Preallocation.OFF);
    }

    private Task task(Extent extent) {
        if (extent.depth() >= depth) {
            return Task.NOTHING;
        }
        boolean behindBelow = extent instanceof Extent.Unallocated;
        if (behindBelow && extent.depth() == depth - 1) {
            return Task.NOTHING; // Behind the old end of the base, where it got zeros.
        }
        return extent.readsAsZero() ? Task.ZERO : Task.COPY;
    }

    private synchronized void stop() {
        position = disk.length();
    }

    /** A range to be worked at; without a chunk's bound if nothing need be read. */
    private record Range(long offset, long length, Task task) {}

    private synchronized Range next() {
        long length = disk.length();
        Range range = new Range(position, 0, Task.NOTHING);
        if (position < length) {
            Pieces.Piece<Task> piece = pieces.at(position);
            long end = Math.min(length, piece.end());
            if (piece.meaning() == Task.COPY) {
                end = Math.min(end, position - position % chunkSize + chunkSize);
            }
            range = new Range(position, end - position, piece.meaning());
            position = end;
        }
        return range;
    }

    private void work() {
        MemorySegment buffer = BufferPool.allocate(chunkSize);
        for (Range range = next(); range.length() > 0; range = next()) {
            control.checkCancelled();
            switch (range.task()) {
                case NOTHING -> {}
                case ZERO ->
                        base.zero(
                                range.offset(), range.length(), ZeroMode.UNMAP, Durability.CACHED);
                case COPY -> copy(range.offset(), buffer.asSlice(0, range.length()));
            }
            control.add(range.length(), disk.length());
        }
    }

    private void copy(long offset, MemorySegment bytes) {
        throttle.take(bytes.byteSize());
        disk.read(offset, bytes);
        base.write(offset, bytes, Durability.CACHED);
        earlyFlush.wrote(bytes.byteSize());
    }
}
