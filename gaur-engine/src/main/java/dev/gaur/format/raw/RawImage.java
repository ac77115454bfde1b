package dev.gaur.format.raw;

import dev.gaur.block.BlockEvent;
import dev.gaur.block.BlockException;
import dev.gaur.block.BlockNode;
import dev.gaur.block.Durability;
import dev.gaur.block.Extent;
import dev.gaur.block.ExtentVisitor;
import dev.gaur.block.Limits;
import dev.gaur.block.PendingRequest;
import dev.gaur.block.StorageNode;
import dev.gaur.block.ZeroMode;
import dev.gaur.block.ZeroNode;
import dev.gaur.format.Checker;
import dev.gaur.format.Image;
import dev.gaur.format.ImageInfo;
import dev.gaur.format.Preallocation;
import dev.gaur.format.Resizing;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * A file that is the disk, byte for byte. A disk is whole sectors of 512 bytes: what the file lacks
 * of the last one reads as zeros, as in QEMU.
 */
final class RawImage implements Image {
    private static final long SECTOR = 512;
    private static final int FILL_STEP = 1 << 20;

    private final StorageNode storage;

    RawImage(StorageNode storage) {
        this.storage = storage;
    }

    @Override
    public ImageInfo info() {
        return new ImageInfo(
                name(),
                "raw",
                length(),
                storage.allocatedBytes(),
                storage.length(),
                0,
                false,
                false,
                Optional.empty(),
                Optional.empty(),
                List.of(),
                List.of(),
                new ImageInfo.Raw());
    }

    @Override
    public BlockNode backing() {
        return ZeroNode.INSTANCE;
    }

    @Override
    public Optional<Checker> checker() {
        return Optional.empty();
    }

    @Override
    public String name() {
        return storage.name();
    }

    @Override
    public boolean writable() {
        return storage.writable();
    }

    @Override
    public Limits limits() {
        return storage.limits();
    }

    @Override
    public long length() {
        return Math.ceilDiv(storage.length(), SECTOR) * SECTOR;
    }

    /** How many of {@code length} bytes from {@code offset} on the file has. */
    private long present(long offset, long length) {
        return Math.clamp(storage.length() - offset, 0, length);
    }

    @Override
    public Optional<Resizing> resizing() {
        return writable() ? Optional.of(this::resize) : Optional.empty();
    }

    private void resize(long newLength, Preallocation preallocation) {
        long old = storage.length();
        if (preallocation == Preallocation.METADATA) {
            throw new BlockException.Unsupported(
                    name(), "", "Unsupported preallocation mode: metadata");
        }
        storage.resize(newLength);
        long more = newLength - old;
        if (more > 0 && preallocation == Preallocation.FALLOC) {
            storage.zero(old, more, ZeroMode.KEEP, Durability.STABLE);
        } else if (more > 0 && preallocation == Preallocation.FULL) {
            fill(old, newLength);
        }
        storage.flush();
    }

    private void fill(long from, long to) {
        byte[] zeros = new byte[FILL_STEP];
        for (long at = from; at < to; at += FILL_STEP) {
            MemorySegment part = MemorySegment.ofArray(zeros);
            storage.write(at, part.asSlice(0, Math.min(FILL_STEP, to - at)), Durability.CACHED);
        }
    }

    @Override
    public void read(long offset, MemorySegment target) {
        storage.event(BlockEvent.READ_AIO);
        long present = present(offset, target.byteSize());
        if (present == target.byteSize()) {
            storage.read(offset, target);
            return;
        }
        if (present > 0) {
            storage.read(offset, target.asSlice(0, present));
        }
        target.asSlice(present).fill((byte) 0);
    }

    @Override
    public boolean tryRead(long offset, MemorySegment target) {
        return present(offset, target.byteSize()) == target.byteSize()
                && storage.tryRead(offset, target);
    }

    @Override
    public boolean prefetch(long offset, long length) {
        return present(offset, length) == length && storage.prefetch(offset, length);
    }

    @Override
    public @Nullable PendingRequest beginRead(long offset, MemorySegment target) {
        boolean present = present(offset, target.byteSize()) == target.byteSize();
        return present ? storage.beginRead(offset, target) : null;
    }

    @Override
    public @Nullable PendingRequest beginWrite(long offset, MemorySegment source) {
        return storage.isWatched() ? null : storage.beginWrite(offset, source);
    }

    @Override
    public void write(long offset, MemorySegment source, Durability durability) {
        storage.event(BlockEvent.WRITE_AIO);
        storage.write(offset, source, durability);
    }

    @Override
    public void zero(long offset, long length, ZeroMode mode, Durability durability) {
        storage.zero(offset, length, mode, durability);
    }

    @Override
    public void discard(long offset, long length) {
        storage.discard(offset, present(offset, length));
    }

    @Override
    public void flush() {
        storage.event(BlockEvent.FLUSH_TO_OS);
        storage.event(BlockEvent.FLUSH_TO_DISK);
        storage.flush();
    }

    @Override
    public void extents(long offset, long length, ExtentVisitor visitor) {
        long present = present(offset, length);
        boolean[] goOn = {true};
        storage.extents(offset, present, extent -> goOn[0] = visitor.visit(extent));
        if (present < length && goOn[0]) { // What the last sector lacks.
            long end = offset + present;
            visitor.visit(new Extent.Zero(end, length - present, 0, end));
        }
    }

    @Override
    public void close() {
        storage.close();
    }
}
