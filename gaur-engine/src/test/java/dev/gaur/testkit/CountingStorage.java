package dev.gaur.testkit;

import dev.gaur.block.StorageNode;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.atomic.AtomicLong;

/** Storage that counts what is read from it: a measure of work that no machine's mood changes. */
public final class CountingStorage extends StorageWrapper {
    private final AtomicLong reads = new AtomicLong();
    private final AtomicLong bytes = new AtomicLong();

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

    @Override
    public void close() {
        below.close();
    }
}
