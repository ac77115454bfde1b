package dev.gaur.verify.nbd;

import dev.gaur.block.BlockIo;
import dev.gaur.block.Durability;
import dev.gaur.block.ExtentVisitor;
import dev.gaur.block.ZeroMode;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BooleanSupplier;

/** A disk whose writes wait until the test lets them go on. */
final class HeldDisk implements BlockIo {
    private final BlockIo disk;
    private final CountDownLatch arrived = new CountDownLatch(1);
    private final CountDownLatch released = new CountDownLatch(1);
    private final AtomicInteger writes = new AtomicInteger();

    HeldDisk(BlockIo disk) {
        this.disk = disk;
    }

    /** Waits until the first write is here. */
    void awaitFirst() throws InterruptedException {
        arrived.await();
    }

    /** Lets all go on as soon as something is so. */
    void goOnWhen(BooleanSupplier condition) {
        while (!condition.getAsBoolean()) {
            Thread.onSpinWait();
        }
        released.countDown();
    }

    /** Returns how many writes have returned. */
    int writes() {
        return writes.get();
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
        arrived.countDown();
        try {
            released.await();
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
        disk.write(offset, source, durability);
        writes.incrementAndGet();
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
