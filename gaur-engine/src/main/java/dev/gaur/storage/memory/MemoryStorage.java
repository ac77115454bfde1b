package dev.gaur.storage.memory;

import dev.gaur.block.BlockException;
import dev.gaur.block.Durability;
import dev.gaur.block.Extent;
import dev.gaur.block.ExtentVisitor;
import dev.gaur.block.Limits;
import dev.gaur.block.StorageNode;
import dev.gaur.block.ZeroMode;
import java.lang.foreign.MemorySegment;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.locks.ReentrantReadWriteLock;

/**
 * Sparse bytes in memory: only chunks of {@value #CHUNK} bytes that were written take space. Grows
 * as it is written. Safe for use by many threads.
 */
public final class MemoryStorage implements StorageNode {
    /** Unit of allocation, and of what {@link #extents} tells apart. */
    public static final int CHUNK = 4096;

    private final String name;
    private final ReentrantReadWriteLock lock = new ReentrantReadWriteLock();
    private final TreeMap<Long, byte[]> chunks = new TreeMap<>(); // by number; guarded by lock
    private volatile long length;
    private volatile boolean closed;

    /**
     * Makes storage that is all zeros.
     *
     * @param name for messages
     * @param length in bytes
     */
    public MemoryStorage(String name, long length) {
        this.name = name;
        this.length = length;
    }

    /** Makes storage with a copy of {@code content}. */
    public MemoryStorage(String name, byte[] content) {
        this(name, 0);
        write(0, MemorySegment.ofArray(content), Durability.CACHED);
    }

    @Override
    public String name() {
        return name;
    }

    @Override
    public boolean writable() {
        return true;
    }

    @Override
    public Limits limits() {
        return Limits.NONE;
    }

    @Override
    public long length() {
        return length;
    }

    /** What is done with the part of a request that lies in one chunk. */
    @FunctionalInterface
    private interface Part {
        void at(long chunk, int inChunk, long inRequest, int count);
    }

    private static void forEachChunk(long offset, long count, Part part) {
        for (long done = 0; done < count; ) {
            long chunk = (offset + done) / CHUNK;
            int inChunk = (int) ((offset + done) % CHUNK);
            int size = (int) Math.min(count - done, CHUNK - inChunk);
            part.at(chunk, inChunk, done, size);
            done += size;
        }
    }

    private void checkOpen() {
        if (closed) {
            throw new BlockException.Denied(name, "", "is closed");
        }
    }

    @Override
    public void read(long offset, MemorySegment target) {
        lock.readLock().lock();
        try {
            checkOpen();
            if (offset + target.byteSize() > length) {
                throw new BlockException.Media(
                        name, "read", offset, "the storage ends at " + length, EIO, null);
            }
            forEachChunk(
                    offset,
                    target.byteSize(),
                    (number, inChunk, inTarget, count) -> {
                        byte[] chunk = chunks.get(number);
                        if (chunk == null) {
                            target.asSlice(inTarget, count).fill((byte) 0);
                        } else {
                            MemorySegment.copy(
                                    MemorySegment.ofArray(chunk), inChunk, target, inTarget, count);
                        }
                    });
        } finally {
            lock.readLock().unlock();
        }
    }

    /** Input/output error, as Linux numbers it. */
    private static final int EIO = 5;

    @Override
    public boolean tryRead(long offset, MemorySegment target) {
        read(offset, target);
        return true;
    }

    @Override
    public void write(long offset, MemorySegment source, Durability durability) {
        lock.writeLock().lock();
        try {
            checkOpen();
            forEachChunk(
                    offset,
                    source.byteSize(),
                    (number, inChunk, inSource, count) -> {
                        byte[] chunk = chunks.computeIfAbsent(number, _ -> new byte[CHUNK]);
                        MemorySegment.copy(
                                source, inSource, MemorySegment.ofArray(chunk), inChunk, count);
                    });
            length = Math.max(length, offset + source.byteSize());
        } finally {
            lock.writeLock().unlock();
        }
    }

    @Override
    public void zero(long offset, long count, ZeroMode mode, Durability durability) {
        lock.writeLock().lock();
        try {
            checkOpen();
            clear(offset, count);
            length = Math.max(length, offset + count);
        } finally {
            lock.writeLock().unlock();
        }
    }

    /** Drops whole chunks and clears parts of the first and the last. */
    private void clear(long offset, long count) {
        long end = offset + count;
        long firstWhole = (offset + CHUNK - 1) / CHUNK;
        long endWhole = end / CHUNK;
        if (firstWhole < endWhole) {
            chunks.subMap(firstWhole, endWhole).clear();
        }
        clearPart(offset, Math.min(end, firstWhole * CHUNK));
        if (endWhole >= firstWhole) {
            clearPart(endWhole * CHUNK, end);
        }
    }

    private void clearPart(long from, long to) {
        byte[] chunk = chunks.get(from / CHUNK);
        if (from < to && chunk != null) {
            int inChunk = (int) (from % CHUNK);
            MemorySegment.ofArray(chunk).asSlice(inChunk, to - from).fill((byte) 0);
        }
    }

    @Override
    public void discard(long offset, long count) {
        zero(offset, Math.min(count, length - offset), ZeroMode.UNMAP, Durability.CACHED);
    }

    @Override
    public void flush() {
        checkOpen();
    }

    @Override
    public void extents(long offset, long count, ExtentVisitor visitor) {
        long end = offset + count;
        boolean goOn = true;
        for (long at = offset; at < end && goOn; ) {
            Extent extent = extentAt(at, end);
            goOn = visitor.visit(extent);
            at = extent.end();
        }
    }

    private Extent extentAt(long at, long end) {
        lock.readLock().lock();
        try {
            checkOpen();
            Map.Entry<Long, byte[]> next = chunks.ceilingEntry(at / CHUNK);
            if (next == null || next.getKey() * CHUNK > at) {
                long until = next == null ? end : Math.min(end, next.getKey() * CHUNK);
                return new Extent.Zero(at, until - at, 0, at);
            }
            long number = next.getKey();
            while (number * CHUNK < end && chunks.containsKey(number)) {
                number++;
            }
            return new Extent.Data(at, Math.min(end, number * CHUNK) - at, 0, at, false);
        } finally {
            lock.readLock().unlock();
        }
    }

    @Override
    public long allocatedBytes() {
        lock.readLock().lock();
        try {
            return (long) chunks.size() * CHUNK;
        } finally {
            lock.readLock().unlock();
        }
    }

    @Override
    public void resize(long newLength) {
        lock.writeLock().lock();
        try {
            checkOpen();
            if (newLength < length) {
                clear(newLength, length - newLength);
            }
            length = newLength;
        } finally {
            lock.writeLock().unlock();
        }
    }

    @Override
    public void close() {
        closed = true;
    }
}
