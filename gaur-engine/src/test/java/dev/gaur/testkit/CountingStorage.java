package dev.gaur.testkit;

import dev.gaur.block.Durability;
import dev.gaur.block.ExtentVisitor;
import dev.gaur.block.Limits;
import dev.gaur.block.StorageNode;
import dev.gaur.block.ZeroMode;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.atomic.AtomicLong;

/** Storage that counts what is read from it: a measure of work that no machine's mood changes. */
public final class CountingStorage implements StorageNode {
    private final StorageNode real;
    private final AtomicLong reads = new AtomicLong();
    private final AtomicLong bytes = new AtomicLong();

    /**
     * @param real what the requests go to; closed with this
     */
    public CountingStorage(StorageNode real) {
        this.real = real;
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
        real.read(offset, target);
    }

    @Override
    public String name() {
        return real.name();
    }

    @Override
    public boolean writable() {
        return real.writable();
    }

    @Override
    public Limits limits() {
        return real.limits();
    }

    @Override
    public long length() {
        return real.length();
    }

    @Override
    public long allocatedBytes() {
        return real.allocatedBytes();
    }

    @Override
    public void write(long offset, MemorySegment source, Durability durability) {
        real.write(offset, source, durability);
    }

    @Override
    public void zero(long offset, long length, ZeroMode mode, Durability durability) {
        real.zero(offset, length, mode, durability);
    }

    @Override
    public void discard(long offset, long length) {
        real.discard(offset, length);
    }

    @Override
    public void flush() {
        real.flush();
    }

    @Override
    public void extents(long offset, long length, ExtentVisitor visitor) {
        real.extents(offset, length, visitor);
    }

    @Override
    public void resize(long newLength) {
        real.resize(newLength);
    }

    @Override
    public void close() {
        real.close();
    }
}
