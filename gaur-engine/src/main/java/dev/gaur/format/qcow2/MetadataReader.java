package dev.gaur.format.qcow2;

import dev.gaur.block.BlockException;
import dev.gaur.block.StorageNode;
import dev.gaur.mem.BufferPool;
import dev.gaur.mem.Bytes;
import java.lang.foreign.MemorySegment;

/**
 * Reads tables straight from the image file, beside any cache. What lies behind the file's end
 * reads as zeros, as QEMU has it. Not safe for use by several threads: it has one buffer.
 */
final class MetadataReader {
    /** How much is read at once: a table of the largest cluster. */
    static final int BUFFER_BYTES = 1 << Geometry.CLUSTER_BITS_MAX;

    /** QEMU refuses requests that end later: 2^63 less its largest alignment. */
    private static final long REQUEST_END_MAX = Long.MAX_VALUE & -(1L << 30);

    /** QEMU sees files in sectors: one that ends within a sector has it whole. */
    private static final int SECTOR = Geometry.SECTOR;

    private final StorageNode storage;
    private final MemorySegment buffer = BufferPool.allocate(BUFFER_BYTES);

    MetadataReader(StorageNode storage) {
        this.storage = storage;
    }

    /** The file's name, for messages. */
    String name() {
        return storage.name();
    }

    /** The file's length in bytes, rounded up to whole sectors. */
    long length() {
        return (storage.length() + SECTOR - 1) & -SECTOR;
    }

    /**
     * Reads bytes.
     *
     * @param length at most {@link #BUFFER_BYTES}
     * @return the reader's own buffer: valid until the next read
     * @throws BlockException.Media if the file cannot be read there
     */
    MemorySegment read(long offset, int length) {
        if (offset < 0 || offset > REQUEST_END_MAX - length) {
            throw new BlockException.Media(
                    name(), "request", offset, "offset is behind any file", 5, null);
        }
        MemorySegment target = buffer.asSlice(0, length);
        int inFile = (int) Math.max(0, Math.min(length, storage.length() - offset));
        if (inFile > 0) {
            storage.read(offset, target.asSlice(0, inFile));
        }
        target.asSlice(inFile).fill((byte) 0);
        return target;
    }

    /** Reads {@code count} big-endian 64-bit numbers to the front of {@code target}. */
    void readNumbers(long offset, long[] target, int count) {
        int step = BUFFER_BYTES / Long.BYTES;
        for (int done = 0; done < count; done += step) {
            int now = Math.min(step, count - done);
            MemorySegment bytes = read(offset + (long) done * Long.BYTES, now * Long.BYTES);
            Bytes.copyU64(bytes, 0, target, done, now);
        }
    }
}
