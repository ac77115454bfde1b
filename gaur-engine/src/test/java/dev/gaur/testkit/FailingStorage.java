package dev.gaur.testkit;

import dev.gaur.block.BlockException;
import dev.gaur.block.Durability;
import dev.gaur.block.StorageNode;
import dev.gaur.block.ZeroMode;
import dev.gaur.testkit.FaultPlan.Call;
import dev.gaur.testkit.FaultPlan.Fault;
import java.lang.foreign.MemorySegment;

/** Storage that fails when its {@link FaultPlan} says so. */
public class FailingStorage extends StorageWrapper {
    private static final long SECTOR = 512;

    private final FaultPlan plan;

    /**
     * Fails as if the disk were full.
     *
     * @param real what the requests go to; not closed by this
     * @param changes how many changes still succeed
     */
    public FailingStorage(StorageNode real, long changes) {
        this(real, FaultPlan.from(Call.changes(), Fault.ENOSPC, changes + 1));
    }

    /**
     * Fails as planned.
     *
     * @param real what the requests go to; not closed by this
     * @param plan may be that of other files too
     */
    public FailingStorage(StorageNode real, FaultPlan plan) {
        super(real);
        this.plan = plan;
    }

    /** Tells whether a call was refused. */
    public boolean hasFailed() {
        return plan.hasFailed();
    }

    private BlockException failure(Call call, long offset) {
        Fault fault = plan.fault();
        return new BlockException.Media(
                name(), call.toString(), offset, fault.text(), fault.errno(), null);
    }

    /** Half of a change, cut where the file's sectors end. */
    private long part(long offset, long length) {
        long cut = (offset + length / 2) / SECTOR * SECTOR;
        return plan.fault().isPartial() ? Math.max(0, cut - offset) : 0;
    }

    @Override
    public void read(long offset, MemorySegment target) {
        if (plan.fails(Call.READ)) {
            throw failure(Call.READ, offset);
        }
        super.read(offset, target);
    }

    /** Nothing is at hand, so that all reads are ones that may fail. */
    @Override
    public boolean tryRead(long offset, MemorySegment target) {
        return false;
    }

    @Override
    public void write(long offset, MemorySegment source, Durability durability) {
        if (plan.fails(Call.WRITE)) {
            long part = part(offset, source.byteSize());
            if (part > 0) {
                super.write(offset, source.asSlice(0, part), durability);
            }
            throw failure(Call.WRITE, offset);
        }
        super.write(offset, source, durability);
    }

    @Override
    public void zero(long offset, long length, ZeroMode mode, Durability durability) {
        if (plan.fails(Call.ZERO)) {
            long part = part(offset, length);
            if (part > 0) {
                super.zero(offset, part, mode, durability);
            }
            throw failure(Call.ZERO, offset);
        }
        super.zero(offset, length, mode, durability);
    }

    @Override
    public void discard(long offset, long length) {
        if (plan.fails(Call.DISCARD)) {
            long part = part(offset, length);
            if (part > 0) {
                super.discard(offset, part);
            }
            throw failure(Call.DISCARD, offset);
        }
        super.discard(offset, length);
    }

    @Override
    public void resize(long newLength) {
        boolean cuts = newLength <= length() && plan.fault() != Fault.EIO; // A full disk lets it.
        if (!cuts && plan.fails(Call.RESIZE)) {
            throw failure(Call.RESIZE, newLength);
        }
        super.resize(newLength);
    }

    @Override
    public void flush() {
        if (plan.fails(Call.FLUSH)) {
            throw failure(Call.FLUSH, BlockException.NO_OFFSET);
        }
        super.flush();
    }
}
