package dev.gaur.testkit;

import dev.gaur.block.BlockException;
import dev.gaur.block.BlockIo;
import dev.gaur.block.Durability;
import dev.gaur.block.PendingRead;
import dev.gaur.sync.Epoch;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BooleanSupplier;
import java.util.function.LongPredicate;
import org.jspecify.annotations.Nullable;

/**
 * A disk whose data is never in memory at once, and whose reads can be begun. Those under way are
 * inside of an epoch, as they are where clusters are given to others.
 */
public final class BegunDisk extends PassingDisk {
    /** Where those are whose reads are under way. */
    public final Epoch epoch = new Epoch();

    private final BooleanSupplier isDone;
    private final LongPredicate isBad;
    private final AtomicInteger begun = new AtomicInteger();
    private final AtomicInteger finished = new AtomicInteger();

    /**
     * @param isDone whether a read that is looked at is done
     * @param isBad offsets that cannot be read
     */
    public BegunDisk(BlockIo disk, BooleanSupplier isDone, LongPredicate isBad) {
        super(disk);
        this.isDone = isDone;
        this.isBad = isBad;
    }

    /** Returns how many reads were begun. */
    public int begun() {
        return begun.get();
    }

    /** Returns how many of these are finished. */
    public int finished() {
        return finished.get();
    }

    @Override
    public @Nullable PendingRead begin(long offset, MemorySegment target) {
        int ticket = epoch.tryEnter();
        if (ticket == Epoch.PAUSED) {
            return null;
        }
        begun.incrementAndGet();
        return new PendingRead() {
            @Override
            public boolean isDone() {
                return isDone.getAsBoolean();
            }

            @Override
            public void finish() {
                finished.incrementAndGet();
                epoch.leave(ticket);
                read(offset, target);
            }
        };
    }

    @Override
    public void read(long offset, MemorySegment target) {
        if (isBad.test(offset)) {
            throw new BlockException.Media("disk", "read", offset, "is bad", 5, null);
        }
        disk.read(offset, target);
    }

    @Override
    public void write(long offset, MemorySegment source, Durability durability) {
        epoch.awaitEarlier(); // As who frees clusters does.
        disk.write(offset, source, durability);
    }

    @Override
    public void flush() {
        epoch.awaitEarlier();
        disk.flush();
    }
}
