package dev.gaur.testkit;

import dev.gaur.block.Durability;
import dev.gaur.block.StorageNode;
import dev.gaur.block.ZeroMode;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.atomic.AtomicLong;

/** Storage that counts what is done with it: a measure of work that no machine's mood changes. */
public final class CountingStorage extends StorageWrapper {
    private final AtomicLong reads = new AtomicLong();
    private final AtomicLong bytes = new AtomicLong();
    private final AtomicLong writes = new AtomicLong();
    private final AtomicLong bytesWritten = new AtomicLong();
    private final AtomicLong flushes = new AtomicLong();

    /**
     * What was done.
     *
     * @param reads how many
     * @param bytesRead by them
     * @param writes how many, zeros and discards included
     * @param bytesWritten by them
     * @param flushes how many, each stable write being one
     */
    public record Work(long reads, long bytesRead, long writes, long bytesWritten, long flushes) {
        /** The work since an earlier moment. */
        public Work since(Work before) {
            return new Work(
                    reads - before.reads,
                    bytesRead - before.bytesRead,
                    writes - before.writes,
                    bytesWritten - before.bytesWritten,
                    flushes - before.flushes);
        }
    }

    /**
     * @param real what the requests go to; closed with this
     */
    public CountingStorage(StorageNode real) {
        super(real);
    }

    /** Returns how many reads there were. */
    public long reads() {
        return reads.get();
    }

    /** Returns how many bytes were read. */
    public long bytesRead() {
        return bytes.get();
    }

    /** Returns all that was done so far. */
    public Work work() {
        return new Work(reads.get(), bytes.get(), writes.get(), bytesWritten.get(), flushes.get());
    }

    @Override
    public void read(long offset, MemorySegment target) {
        reads.incrementAndGet();
        bytes.addAndGet(target.byteSize());
        below.read(offset, target);
    }

    /** {@inheritDoc} Waits, so that every read is counted. */
    @Override
    public boolean tryRead(long offset, MemorySegment target) {
        return false;
    }

    private void wrote(long length, Durability durability) {
        writes.incrementAndGet();
        bytesWritten.addAndGet(length);
        flushes.addAndGet(durability == Durability.STABLE ? 1 : 0);
    }

    @Override
    public void write(long offset, MemorySegment source, Durability durability) {
        wrote(source.byteSize(), durability);
        below.write(offset, source, durability);
    }

    @Override
    public void zero(long offset, long length, ZeroMode mode, Durability durability) {
        wrote(length, durability);
        below.zero(offset, length, mode, durability);
    }

    @Override
    public void discard(long offset, long length) {
        wrote(length, Durability.CACHED);
        below.discard(offset, length);
    }

    @Override
    public void flush() {
        flushes.incrementAndGet();
        below.flush();
    }

    @Override
    public void close() {
        below.close();
    }
}
