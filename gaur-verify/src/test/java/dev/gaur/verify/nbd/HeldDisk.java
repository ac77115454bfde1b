package dev.gaur.verify.nbd;

import dev.gaur.block.BlockIo;
import dev.gaur.block.Durability;
import dev.gaur.testkit.PassingDisk;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BooleanSupplier;

/** A disk whose writes wait until the test lets them go on. */
final class HeldDisk extends PassingDisk {
    private final CountDownLatch arrived = new CountDownLatch(1);
    private final CountDownLatch released = new CountDownLatch(1);
    private final AtomicInteger writes = new AtomicInteger();

    HeldDisk(BlockIo disk) {
        super(disk);
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
}
