package dev.gaur.testkit;

import dev.gaur.block.BlockException;
import dev.gaur.block.Durability;
import dev.gaur.block.StorageNode;
import java.lang.foreign.MemorySegment;

/** Storage that cannot grow, like a block device. */
public final class FixedSizeStorage extends StorageWrapper {
    private static final int ENOSPC = 28;

    private final long lengthMax;

    /** Keeps {@code real} at its length; it stays the caller's. */
    public FixedSizeStorage(StorageNode real) {
        super(real);
        this.lengthMax = real.length();
    }

    @Override
    public void write(long offset, MemorySegment source, Durability durability) {
        requireRoom(offset + source.byteSize());
        super.write(offset, source, durability);
    }

    @Override
    public void resize(long newLength) {
        requireRoom(newLength);
        super.resize(newLength);
    }

    private void requireRoom(long end) {
        if (end > lengthMax) {
            throw new BlockException.Media(
                    name(), "write", end, "No space left on device", ENOSPC, null);
        }
    }
}
