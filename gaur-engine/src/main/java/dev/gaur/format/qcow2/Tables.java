package dev.gaur.format.qcow2;

import dev.gaur.block.BlockException;
import dev.gaur.block.StorageNode;
import dev.gaur.mem.BufferPool;
import dev.gaur.mem.Bytes;
import java.lang.foreign.MemorySegment;

/** Reads tables of big-endian 64-bit entries from the image file. */
final class Tables {
    private static final BufferPool PIECES = new BufferPool(64 << 10, 16);

    private Tables() {}

    /**
     * Reads metadata.
     *
     * @param structure what it is, for messages
     * @throws BlockException.Corrupt if the file ends before
     */
    static void read(StorageNode storage, String structure, long hostOffset, MemorySegment target) {
        checkPresent(storage, structure, hostOffset, target.byteSize());
        storage.read(hostOffset, target);
    }

    /** Throws if the file ends before {@code hostOffset + length}. */
    static void checkPresent(StorageNode storage, String structure, long hostOffset, long length) {
        if (hostOffset > storage.length() - length) {
            throw truncated(storage, structure, hostOffset, hostOffset + length);
        }
    }

    /** The error for something that lies behind the file's end. */
    static BlockException.Corrupt truncated(
            StorageNode storage, String structure, long hostOffset, long neededEnd) {
        return new BlockException.Corrupt(
                storage.name(),
                structure,
                hostOffset,
                "image is truncated: the file ends at %d, %s needed"
                        .formatted(storage.length(), Long.toUnsignedString(neededEnd)));
    }

    /** Reads {@code count} entries from {@code hostOffset} on. */
    static long[] readEntries(StorageNode storage, String structure, long hostOffset, int count) {
        checkPresent(storage, structure, hostOffset, (long) count * Long.BYTES);
        long[] entries = new long[count];
        try (BufferPool.Lease lease = PIECES.lease()) {
            int most = PIECES.bufferSize() / Long.BYTES;
            for (int done = 0; done < count; done += most) {
                int now = Math.min(most, count - done);
                MemorySegment piece = lease.segment((long) now * Long.BYTES);
                storage.read(hostOffset + (long) done * Long.BYTES, piece);
                Bytes.copyU64(piece, 0, entries, done, now);
            }
        }
        return entries;
    }

    /** Throws if a refcount table with that many entries is larger than any image may have. */
    static void checkRefcountTable(StorageNode storage, long entries) {
        if (entries * Long.BYTES > HeaderCodec.REFCOUNT_TABLE_BYTES_MAX) {
            throw new BlockException.Media(
                    storage.name(),
                    "refcount table",
                    BlockException.NO_OFFSET,
                    "the image would need more than %d MiB of it"
                            .formatted(HeaderCodec.REFCOUNT_TABLE_BYTES_MAX >> 20),
                    EFBIG,
                    null);
        }
    }

    /** "File too large", as Linux numbers it. */
    private static final int EFBIG = 27;
}
