package dev.gaur.filter;

import dev.gaur.block.Durability;
import dev.gaur.block.StorageNode;
import dev.gaur.block.ZeroMode;
import java.lang.foreign.MemorySegment;

/**
 * Storage whose flushes do nothing ({@code cache.no-flush}), or which takes no more locks than it
 * has ({@code locking=off}).
 */
public final class CarelessStorage extends DelegatingStorage {
    private final boolean flushes;
    private final boolean locks;

    /**
     * Wraps storage, and owns it from then on.
     *
     * @param flushes whether flushes are passed on
     * @param locks whether writers are excluded when that is asked for
     */
    public CarelessStorage(StorageNode below, boolean flushes, boolean locks) {
        super(below);
        this.flushes = flushes;
        this.locks = locks;
    }

    private Durability weakened(Durability wanted) {
        return flushes ? wanted : Durability.CACHED;
    }

    @Override
    public void write(long offset, MemorySegment source, Durability durability) {
        below.write(offset, source, weakened(durability));
    }

    @Override
    public void zero(long offset, long length, ZeroMode mode, Durability durability) {
        below.zero(offset, length, mode, weakened(durability));
    }

    @Override
    public void flush() {
        if (flushes) {
            below.flush();
        }
    }

    @Override
    public void excludeWriters() {
        if (locks) {
            below.excludeWriters();
        }
    }
}
