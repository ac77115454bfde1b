package dev.gaur.job;

import dev.gaur.block.BlockIo;
import dev.gaur.block.Durability;
import dev.gaur.block.StorageNode;
import dev.gaur.block.ZeroMode;
import dev.gaur.format.Compressing;
import java.lang.foreign.MemorySegment;
import java.util.Optional;

/** A disk that is written in place: a raw file, a block device, an image that is open. */
final class RawTarget implements ConvertTarget, ConvertTarget.Writer {
    /** The unit where nothing is to be sparse. */
    private static final int PAGE = 4096;

    /** Less is found place for as fast page by page. */
    private static final int RESERVED_MIN = 256 << 10;

    private final BlockIo disk;
    private final Needs needs;
    private final boolean isZero;
    private final Optional<StorageNode> newFile;
    private final Optional<Compressing> compressing;

    /**
     * Returns a target that is a file of raw bytes, or a device.
     *
     * @param isZero the disk is known to read as zeros everywhere
     * @param sparseBytes runs of so many zero bytes become holes; 0 writes them
     */
    static RawTarget ofStorage(StorageNode disk, boolean isZero, int sparseBytes) {
        Optional<StorageNode> newFile = isZero ? Optional.of(disk) : Optional.empty();
        return new RawTarget(
                disk, 1, Convert.Backing.NONE, isZero, sparseBytes, Optional.empty(), newFile);
    }

    /**
     * @param ownUnit bytes that the disk treats as one: a power of two
     * @param backing the files below source and target
     * @param isZero the disk is known to read as zeros everywhere
     * @param sparseBytes runs of so many zero bytes become holes; 0 writes them
     * @param compressing stores bytes compressed; empty to write them as they are
     */
    RawTarget(
            BlockIo disk,
            int ownUnit,
            Convert.Backing backing,
            boolean isZero,
            int sparseBytes,
            Optional<Compressing> compressing) {
        this(disk, ownUnit, backing, isZero, sparseBytes, compressing, Optional.empty());
    }

    private RawTarget(
            BlockIo disk,
            int ownUnit,
            Convert.Backing backing,
            boolean isZero,
            int sparseBytes,
            Optional<Compressing> compressing,
            Optional<StorageNode> newFile) {
        this.newFile = newFile;
        this.disk = disk;
        this.isZero = isZero;
        this.compressing = compressing;
        boolean sparse = sparseBytes > 0;
        int least = sparse ? Integer.highestOneBit(sparseBytes) : PAGE;
        int unit = backing.targetLength() > 0 ? ownUnit : Math.max(ownUnit, least);
        this.needs = new Needs(unit, backing, !sparse, false);
    }

    @Override
    public Needs needs() {
        return needs;
    }

    /** {@inheritDoc} There is nothing that a chunk has for itself. */
    @Override
    public Writer writer(int chunkSize) {
        return this;
    }

    @Override
    public void finish() {
        // All is written.
    }

    @Override
    public void prepare(Chunk chunk) {
        // Bytes are written as they are.
    }

    @Override
    public void place(Chunk chunk) {
        // Every byte has its place.
    }

    @Override
    public void write(Chunk chunk) {
        if (chunk.isHole()) {
            if (chunk.content(0) == Chunk.Content.ZERO) {
                zero(chunk.offset(), chunk.length());
            }
            return;
        }
        for (int first = 0, end; first < chunk.units(); first = end) {
            end = chunk.runEnd(first);
            long offset = chunk.offset() + chunk.startOf(first);
            switch (chunk.content(first)) {
                case DATA -> write(offset, chunk.bytes(first, end));
                case ZERO -> zero(offset, chunk.startOf(end) - chunk.startOf(first));
                case BACKING -> {} // Stays what it is.
            }
        }
    }

    private void write(long offset, MemorySegment bytes) {
        long length = bytes.byteSize();
        long whole = 0;
        if (compressing.isPresent()) {
            // A part of a cluster cannot be compressed by itself, unless the disk ends there.
            int unit = compressing.get().unit();
            whole = offset + length == disk.length() ? length : length - length % unit;
        }
        if (whole > 0) {
            compressing.get().writeCompressed(offset, bytes.asSlice(0, whole));
        }
        if (newFile.isPresent() && length >= RESERVED_MIN) {
            newFile.get().reserve(offset, length);
        }
        if (whole < length) {
            disk.write(offset + whole, bytes.asSlice(whole), Durability.CACHED);
        }
    }

    private void zero(long offset, long length) {
        if (!isZero) {
            disk.zero(offset, length, ZeroMode.UNMAP, Durability.CACHED);
        }
    }

    @Override
    public void close() {
        // The disk is the caller's.
    }
}
