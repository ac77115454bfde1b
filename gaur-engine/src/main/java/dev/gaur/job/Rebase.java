package dev.gaur.job;

import dev.gaur.block.BlockException;
import dev.gaur.block.BlockIo;
import dev.gaur.block.Durability;
import dev.gaur.block.Extent;
import dev.gaur.block.ZeroNode;
import dev.gaur.format.Compressing;
import dev.gaur.format.Image;
import dev.gaur.format.Rebasing;
import dev.gaur.graph.BlockDevice;
import dev.gaur.job.RebaseWork.Task;
import dev.gaur.mem.BufferPool;
import dev.gaur.mem.Bytes;
import dev.gaur.storage.file.FileDriver;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Gives an image another backing file without changing what it reads as: what the old backing chain
 * has and the new one has not is copied into the image first. Several workers take the next range
 * each. Not read is what the image has itself, what is known to be zeros in both chains, and what
 * both read from the same file.
 *
 * <p>The image names the new backing file only when all that was copied is stable. Whenever the job
 * fails, is cancelled or the machine dies before, the image reads the same over its old backing
 * file.
 */
public final class Rebase {
    /** Bytes of a range: both chains' buffers stay in a core's cache. */
    private static final int CHUNK = 512 << 10;

    /**
     * The new backing file.
     *
     * @param name as it is to stand in the image; empty for none
     * @param format QEMU's name of its format
     */
    public record Target(String name, String format) {}

    /**
     * How to copy.
     *
     * @param compress stores compressed what is copied
     * @param plainNames both chains were opened by names of files, so that equal files with equal
     *     formats have equal content
     * @param workers how many threads work
     */
    public record Options(boolean compress, boolean plainNames, int workers) {
        /** Plain copies, chains opened by name, two workers. */
        public static final Options DEFAULT = new Options(false, true, 2);
    }

    /** What a chain has in a range: which layer decides, and whether it reads as zeros. */
    private record Source(int layer, boolean zero) {
        static final Source NOTHING = new Source(-1, true);
    }

    private final BlockDevice overlay;
    private final Rebasing rebasing;
    private final Optional<Compressing> compressing;
    private final BlockIo below;
    private final boolean[][] sameFile;
    private final Pieces<Source> oldPieces;
    private final Pieces<Source> newPieces;
    private final int unit;
    private final int chunkSize;
    private final JobControl control;
    private final EarlyFlush earlyFlush;
    private long position;

    private Rebase(
            BlockDevice overlay, Optional<BlockDevice> below, Options options, JobControl control) {
        this.overlay = overlay;
        this.rebasing = rebasing(overlay.image());
        this.compressing =
                options.compress() ? Optional.of(compressing(overlay.image())) : Optional.empty();
        this.below = below.<BlockIo>map(device -> device).orElse(ZeroNode.INSTANCE);
        this.sameFile = sameFiles(overlay, below, options.plainNames());
        this.oldPieces = new Pieces<>(overlay, Rebase::source, Source.NOTHING);
        this.newPieces = new Pieces<>(this.below, Rebase::source, Source.NOTHING);
        this.unit = this.compressing.map(Compressing::unit).orElse(rebasing.unit());
        this.chunkSize = Math.max(CHUNK, unit);
        this.control = control;
        this.earlyFlush = new EarlyFlush(overlay::flush);
    }

    /**
     * Changes the name only: the caller knows that the new backing file has the same content, or
     * wants it so.
     *
     * @throws BlockException.Unsupported if the image can have no backing file, or has no room for
     *     the name
     */
    public static void unsafe(Image image, Target target) {
        rebasing(image).setBacking(target.name(), target.format());
    }

    /**
     * Copies what is needed and then changes the name. Blocks.
     *
     * @param overlay opened for writing, with its old backing chain
     * @param below the new backing file, open for reading; empty for none
     * @throws BlockException if something cannot be read or written
     * @throws java.util.concurrent.CancellationException if the job was cancelled
     */
    public static void run(
            BlockDevice overlay,
            Optional<BlockDevice> below,
            Target target,
            Options options,
            JobControl control) {
        Rebase job = new Rebase(overlay, below, options, control);
        job.rebasing.checkBacking(target.name(), target.format());
        new Workers(job::stop).run("gaur-rebase", options.workers(), job::work);
        overlay.flush();
        control.checkCancelled();
        job.rebasing.setBacking(target.name(), target.format());
    }

    private static Rebasing rebasing(Image image) {
        return image.rebasing()
                .orElseThrow(
                        () ->
                                new BlockException.Unsupported(
                                        image.name(), "backing file", "Operation not supported"));
    }

    private static Compressing compressing(Image image) {
        return image.compressing()
                .orElseThrow(
                        () ->
                                new BlockException.Unsupported(
                                        image.name(),
                                        "compression",
                                        "Compression not supported for this file format"));
    }

    // ---- what has to be compared

    private static Source source(Extent extent) {
        boolean nothing = extent instanceof Extent.Unallocated;
        return nothing ? Source.NOTHING : new Source(extent.depth(), extent.readsAsZero());
    }

    /** Which layers of both chains are the same file, read in the same way. */
    private static boolean[][] sameFiles(
            BlockDevice overlay, Optional<BlockDevice> below, boolean plainNames) {
        List<Object> old = identities(overlay.layers());
        List<Object> fresh = identities(below.map(BlockDevice::layers).orElse(List.of()));
        boolean[][] same = new boolean[old.size()][fresh.size()];
        for (int i = 1; i < old.size(); i++) {
            for (int j = 0; j < fresh.size(); j++) {
                same[i][j] = plainNames && old.get(i).equals(fresh.get(j));
            }
        }
        return same;
    }

    private record Identity(Object file, String format) {}

    private static List<Object> identities(List<Image> layers) {
        List<Object> identities = new ArrayList<>();
        for (Image layer : layers) {
            identities.add(identity(layer));
        }
        return identities;
    }

    /** Equal for two openings of one file; only to itself if that cannot be told. */
    private static Object identity(Image layer) {
        try {
            return new Identity(FileDriver.key(layer.name()), layer.info().format());
        } catch (BlockException _) {
            return layer;
        }
    }

    private synchronized void stop() {
        position = overlay.length();
    }

    /** Hands out the next range in which there is something to do. */
    private synchronized boolean next(RebaseWork work) {
        long length = overlay.length();
        while (position < length) {
            work.begin(position);
            long chunkEnd = Math.min(length, position - position % chunkSize + chunkSize);
            while (position < chunkEnd) {
                Pieces.Piece<Source> old = oldPieces.at(position);
                Pieces.Piece<Source> fresh = newPieces.at(position);
                long end = Math.min(length, Math.min(old.end(), fresh.end()));
                Task task = task(old.meaning(), fresh.meaning());
                if (task == Task.NOTHING && work.isEmpty() && end >= chunkEnd) {
                    // Nothing to do: of any length, but units stay whole.
                    chunkEnd = end == length ? end : Math.max(chunkEnd, end - end % chunkSize);
                }
                end = Math.min(end, chunkEnd);
                work.mark(position, end, task);
                position = end;
            }
            if (work.hasTasks()) {
                return true;
            }
            control.add(work.length(), length);
        }
        return false;
    }

    private Task task(Source old, Source fresh) {
        if (old.layer() == 0) {
            return Task.NOTHING; // The image has it itself.
        }
        if (old.zero()) {
            return fresh.zero() ? Task.NOTHING : Task.OLD_IS_ZERO;
        }
        if (fresh.zero()) {
            return Task.NEW_IS_ZERO;
        }
        return sameFile[old.layer()][fresh.layer()] ? Task.NOTHING : Task.COMPARE;
    }

    // ---- a worker

    private void work() {
        RebaseWork work = new RebaseWork(unit, chunkSize);
        MemorySegment left = BufferPool.allocate(chunkSize);
        MemorySegment right = BufferPool.allocate(chunkSize);
        while (next(work)) {
            control.checkCancelled();
            for (int first = 0, end; first < work.units(); first = end) {
                end = work.runEnd(first);
                long offset = work.offset() + work.startOf(first);
                int size = (int) (work.startOf(end) - work.startOf(first));
                if (work.task(first) != Task.NOTHING) {
                    bring(work.task(first), offset, left.asSlice(0, size), right.asSlice(0, size));
                }
            }
            control.add(work.length(), overlay.length());
        }
    }

    /** Copies the units of a range that differ. */
    private void bring(Task task, long offset, MemorySegment old, MemorySegment fresh) {
        boolean oldIsZero = task == Task.OLD_IS_ZERO;
        boolean newIsZero = task == Task.NEW_IS_ZERO;
        @Nullable MemorySegment left = oldIsZero ? null : read(overlay, offset, old);
        @Nullable MemorySegment right = newIsZero ? null : read(below, offset, fresh);
        long size = old.byteSize();
        for (long at = 0, end; at < size; at = end) {
            end = Math.min(size, at + unit);
            if (!differs(left, right, at, end)) {
                continue;
            }
            boolean zero = isZero(left, at, end);
            for (long next; end < size; end = next) {
                next = Math.min(size, end + unit);
                if (!differs(left, right, end, next) || isZero(left, end, next) != zero) {
                    break;
                }
            }
            if (left == null || zero) {
                rebasing.zeroOverAny(offset + at, end - at);
            } else {
                write(offset + at, left.asSlice(at, end - at));
            }
        }
    }

    private static MemorySegment read(BlockIo disk, long offset, MemorySegment target) {
        long here = Math.clamp(disk.length() - offset, 0, target.byteSize());
        if (here > 0) {
            disk.read(offset, target.asSlice(0, here));
        }
        target.asSlice(here).fill((byte) 0);
        return target;
    }

    private static boolean differs(
            @Nullable MemorySegment left, @Nullable MemorySegment right, long from, long end) {
        if (left == null) {
            return !isZero(right, from, end);
        }
        if (right == null) {
            return !isZero(left, from, end);
        }
        return MemorySegment.mismatch(left, from, end, right, from, end) >= 0;
    }

    private static boolean isZero(@Nullable MemorySegment bytes, long from, long end) {
        return bytes == null || Bytes.isZero(bytes, from, end - from);
    }

    private void write(long offset, MemorySegment bytes) {
        if (compressing.isPresent()) {
            compressing.get().writeCompressed(offset, bytes);
        } else {
            overlay.write(offset, bytes, Durability.CACHED);
        }
        earlyFlush.wrote(bytes.byteSize());
    }
}
