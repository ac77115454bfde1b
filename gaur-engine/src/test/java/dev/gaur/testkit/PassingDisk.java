package dev.gaur.testkit;

import dev.gaur.block.BlockIo;
import dev.gaur.block.Durability;
import dev.gaur.block.ExtentVisitor;
import dev.gaur.block.ZeroMode;
import java.lang.foreign.MemorySegment;

/**
 * Passes all that may wait on to another disk. Nothing is there at once, so that servers have
 * somebody wait for it. Subclasses override what they change.
 */
public class PassingDisk implements BlockIo {
    /** Where requests go. */
    protected final BlockIo disk;

    public PassingDisk(BlockIo disk) {
        this.disk = disk;
    }

    /** Returns where requests go. */
    public BlockIo below() {
        return disk;
    }

    @Override
    public long length() {
        return disk.length();
    }

    @Override
    public void read(long offset, MemorySegment target) {
        disk.read(offset, target);
    }

    @Override
    public void write(long offset, MemorySegment source, Durability durability) {
        disk.write(offset, source, durability);
    }

    @Override
    public void zero(long offset, long length, ZeroMode mode, Durability durability) {
        disk.zero(offset, length, mode, durability);
    }

    @Override
    public void discard(long offset, long length) {
        disk.discard(offset, length);
    }

    @Override
    public void flush() {
        disk.flush();
    }

    @Override
    public void extents(long offset, long length, ExtentVisitor visitor) {
        disk.extents(offset, length, visitor);
    }
}
