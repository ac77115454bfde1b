package dev.gaur.testkit;

import dev.gaur.block.BlockException;
import dev.gaur.block.BlockIo;
import dev.gaur.block.Durability;
import dev.gaur.block.PendingRequest;
import dev.gaur.sync.Epoch;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BooleanSupplier;
import java.util.function.LongPredicate;
import org.jspecify.annotations.Nullable;

/**
 * A disk whose data is never in memory at once, and whose reads and writes can be begun. Those
 * under way are inside of an epoch, as they are where clusters are given to others.
 */
public final class BegunDisk extends PassingDisk {
    /** Where those are whose reads are under way. */
    public final Epoch epoch = new Epoch();

    private final BooleanSupplier isDone;
    private final LongPredicate isBad;
    private final AtomicInteger begun = new AtomicInteger();
    private final AtomicInteger finished = new AtomicInteger();

    /**
     * @param isDone whether a request that is looked at is done
     * @param isBad offsets that can neither be read nor written
     */
    public BegunDisk(BlockIo disk, BooleanSupplier isDone, LongPredicate isBad) {
        super(disk);
        this.isDone = isDone;
        this.isBad = isBad;
    }

    /** Returns how many requests were begun. */
    public int begun() {
        return begun.get();
    }

    /** Returns how many of these are finished. */
    public int finished() {
        return finished.get();
    }

    @Override
    public @Nullable PendingRequest beginRead(long offset, MemorySegment target) {
        return begin(() -> read(offset, target));
    }

    @Override
    public @Nullable PendingRequest beginWrite(long offset, MemorySegment source) {
        return begin(
                () -> {
                    check(offset);
                    disk.write(offset, source, Durability.CACHED);
                });
    }

    private @Nullable PendingRequest begin(Runnable work) {
        int ticket = epoch.tryEnter();
        if (ticket == Epoch.PAUSED) {
            return null;
        }
        begun.incrementAndGet();
        return new PendingRequest() {
            @Override
            public boolean isDone() {
                return isDone.getAsBoolean();
            }

            @Override
            public void finish() {
                finished.incrementAndGet();
                try {
                    work.run();
                } finally {
                    epoch.leave(ticket);
                }
            }
        };
    }

    @Override
    public void read(long offset, MemorySegment target) {
        check(offset);
        disk.read(offset, target);
    }

    private void check(long offset) {
        if (isBad.test(offset)) {
            throw new BlockException.Media("disk", "", offset, "is bad", 5, null);
        }
    }

    @Override
    public void write(long offset, MemorySegment source, Durability durability) {
        check(offset);
        epoch.awaitEarlier(); // As who frees clusters does.
        disk.write(offset, source, durability);
    }

    @Override
    public void flush() {
        epoch.awaitEarlier();
        disk.flush();
    }
}
