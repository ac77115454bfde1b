package dev.gaur.job;

import dev.gaur.block.BlockException;
import dev.gaur.block.BlockIo;
import dev.gaur.job.CompareWork.Task;
import dev.gaur.mem.BufferPool;
import dev.gaur.mem.Bytes;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/**
 * Tells whether two disks read the same. The shorter one goes on with zeros. Several workers
 * compare, each the next range; what is found first in the order of the disk counts, whoever found
 * it. What both are known to be zeros in is not read.
 */
public final class Compare {
    /** Bytes of a range: both disks' buffers stay in a core's cache. */
    private static final int CHUNK = 256 << 10;

    /** Places are told in sectors, as QEMU does. */
    private static final int SECTOR = 512;

    /** The outcome. */
    public sealed interface Result {
        /** Every byte is the same. */
        record Same() implements Result {}

        /**
         * Bytes differ.
         *
         * @param offset of the first sector of 512 bytes that differs
         */
        record ContentDiffers(long offset) implements Result {}

        /** Only when strict: the sizes differ; nothing else was looked at. */
        record SizeDiffers() implements Result {}

        /** Only when strict: from {@code offset} on the disks are stored in different ways. */
        record StatusDiffers(long offset) implements Result {}
    }

    /** A disk could not be read. */
    public static final class Failure extends RuntimeException {
        private static final long serialVersionUID = 1;

        /** What was tried. */
        public enum Doing {
            /** How a range is stored. */
            ASKING,
            /** What it contains. */
            READING
        }

        private final Doing doing;
        private final long offset;
        private final transient BlockIo disk;
        private final BlockException reason;

        Failure(Doing doing, long offset, BlockIo disk, BlockException reason) {
            super(reason.getMessage(), reason);
            this.doing = doing;
            this.offset = offset;
            this.disk = disk;
            this.reason = reason;
        }

        /** Returns what was tried. */
        public Doing doing() {
            return doing;
        }

        /** Returns where it was tried. */
        public long offset() {
            return offset;
        }

        /** Tells whether this disk failed. */
        public boolean isOf(BlockIo candidate) {
            return candidate == disk;
        }

        /** Returns why it failed. */
        public BlockException reason() {
            return reason;
        }
    }

    /** What ends the comparison: a difference or a failure at an offset. */
    private record Finding(long offset, Result result, @Nullable Failure failure) {}

    private final ComparePieces first;
    private final ComparePieces second;
    private final boolean strict;
    private final JobControl control;
    private final long length;
    private long position;
    private @Nullable Finding finding;

    private Compare(BlockIo first, BlockIo second, boolean strict, JobControl control) {
        this.first = new ComparePieces(first);
        this.second = new ComparePieces(second);
        this.strict = strict;
        this.control = control;
        this.length = Math.max(first.length(), second.length());
    }

    /**
     * Compares two disks. Blocks.
     *
     * @param strict sizes have to be the same too, and where there is data, zeros or nothing
     * @param workers how many threads work
     * @throws Failure if a disk cannot be read, and no difference lies before that
     * @throws java.util.concurrent.CancellationException if the job was cancelled
     */
    public static Result run(
            BlockIo first, BlockIo second, boolean strict, int workers, JobControl control) {
        if (strict && first.length() != second.length()) {
            return new Result.SizeDiffers();
        }
        return new Compare(first, second, strict, control).run(workers);
    }

    private Result run(int workers) {
        new Workers(this::stop).run("gaur-compare", workers, this::work);
        synchronized (this) {
            if (finding == null) {
                return new Result.Same();
            }
            if (finding.failure() != null) {
                throw finding.failure();
            }
            return finding.result();
        }
    }

    private synchronized void stop() {
        position = length;
    }

    private synchronized void found(long offset, Result result, @Nullable Failure failure) {
        if (finding == null || offset < finding.offset()) {
            finding = new Finding(offset, result, failure);
        }
        position = length; // What is not handed out yet lies behind the finding.
    }

    private void work() {
        CompareWork work = new CompareWork();
        MemorySegment left = BufferPool.allocate(CHUNK);
        MemorySegment right = BufferPool.allocate(CHUNK);
        while (next(work)) {
            control.checkCancelled();
            try {
                for (int i = 0; i < work.count(); i++) {
                    compare(work, i, left, right);
                }
            } catch (Failure failure) {
                found(failure.offset(), new Result.Same(), failure);
            }
            control.add(work.length(), length);
        }
    }

    /** Hands out the next range: of any length if both are zeros there, else of a chunk. */
    private synchronized boolean next(CompareWork work) {
        work.begin(position);
        long end = Math.min(length, position - position % CHUNK + CHUNK);
        while (position < end) {
            try {
                addPiece(work, end);
            } catch (Failure failure) {
                found(position, new Result.Same(), failure);
            }
        }
        return work.count() > 0;
    }

    private void addPiece(CompareWork work, long chunkEnd) {
        ComparePieces.Piece left = first.at(position);
        ComparePieces.Piece right = second.at(position);
        if (strict && !left.looksLike(right)) {
            found(position, new Result.StatusDiffers(position), null);
            return;
        }
        long end = Math.min(length, Math.min(left.end(), right.end()));
        boolean nothing = left.zero() && right.zero();
        if (!nothing || work.count() > 0) {
            end = Math.min(end, chunkEnd);
        }
        work.add(end, task(left.zero(), right.zero()));
        position = end;
    }

    private static Task task(boolean firstIsZero, boolean secondIsZero) {
        if (firstIsZero) {
            return secondIsZero ? Task.NOTHING : Task.SECOND_ZERO;
        }
        return secondIsZero ? Task.FIRST_ZERO : Task.EQUAL;
    }

    private void compare(CompareWork work, int index, MemorySegment left, MemorySegment right) {
        long offset = work.start(index);
        Task task = work.task(index);
        if (task == Task.NOTHING) {
            return;
        }
        long size = work.end(index) - offset;
        MemorySegment one = left.asSlice(0, size);
        MemorySegment other = right.asSlice(0, size);
        long different =
                switch (task) {
                    case FIRST_ZERO -> firstNonZero(read(first.disk(), offset, one));
                    case SECOND_ZERO -> firstNonZero(read(second.disk(), offset, one));
                    case EQUAL, NOTHING ->
                            read(first.disk(), offset, one)
                                    .mismatch(read(second.disk(), offset, other));
                };
        if (different >= 0) {
            long place = (offset + different) / SECTOR * SECTOR;
            found(place, new Result.ContentDiffers(place), null);
        }
    }

    private static MemorySegment read(BlockIo disk, long offset, MemorySegment target) {
        long here = Math.clamp(disk.length() - offset, 0, target.byteSize());
        try {
            disk.read(offset, target.asSlice(0, here));
        } catch (BlockException failure) {
            throw new Failure(Failure.Doing.READING, offset, disk, failure);
        }
        target.asSlice(here).fill((byte) 0);
        return target;
    }

    /** Returns the place of the first sector that has other bytes than zeros, or -1. */
    private static long firstNonZero(MemorySegment bytes) {
        if (Bytes.isZero(bytes)) {
            return -1;
        }
        long at = 0;
        while (Bytes.isZero(bytes, at, Math.min(SECTOR, bytes.byteSize() - at))) {
            at += SECTOR;
        }
        return at;
    }
}
