package dev.gaur.format.qcow2;

import dev.gaur.block.Durability;
import dev.gaur.block.StorageNode;
import dev.gaur.mem.BufferPool;
import dev.gaur.mem.Bytes;
import java.lang.foreign.MemorySegment;

/**
 * Writes metadata straight to the image file. Ahead of the first change it clears the autoclear
 * bits that Gaur does not know, as every writer has to. For one thread.
 *
 * <p>Source: the specification, "Header", autoclear_features.
 */
final class MetadataWriter {
    private static final int INCOMPATIBLE_OFFSET = 72;
    private static final int AUTOCLEAR_OFFSET = 88;
    private static final long KNOWN_AUTOCLEAR = Header.BITMAPS_VALID | Header.DATA_FILE_RAW;

    private final StorageNode storage;
    private final Header header;
    private final MemorySegment numbers = BufferPool.allocate(MetadataReader.BUFFER_BYTES);
    private boolean begun;
    private boolean dirty;

    MetadataWriter(StorageNode storage, Header header) {
        this.storage = storage;
        this.header = header;
    }

    /** Writes bytes; they are stable after the next {@link #flush}. */
    void write(long hostOffset, MemorySegment bytes) {
        begin();
        storage.write(hostOffset, bytes, Durability.CACHED);
        dirty = true;
    }

    private void begin() {
        if (begun) {
            return;
        }
        begun = true;
        if (header.version() >= 3 && (header.autoclear() & ~KNOWN_AUTOCLEAR) != 0) {
            switchHeader(AUTOCLEAR_OFFSET, header.autoclear() & KNOWN_AUTOCLEAR);
        }
    }

    /** Writes {@code count} entries of a table, from the {@code first} on. */
    void writeNumbers(long tableOffset, long[] table, int first, int count) {
        int most = MetadataReader.BUFFER_BYTES / Long.BYTES;
        for (int done = 0; done < count; done += most) {
            int now = Math.min(most, count - done);
            for (int i = 0; i < now; i++) {
                Bytes.putU64(numbers, (long) i * Long.BYTES, table[first + done + i]);
            }
            long offset = tableOffset + (long) (first + done) * Long.BYTES;
            write(offset, numbers.asSlice(0, (long) now * Long.BYTES));
        }
    }

    /** Makes all that was written stable. */
    void flush() {
        if (dirty) {
            storage.flush();
            dirty = false;
        }
    }

    /**
     * Writes 64-bit fields of the header in one request, which lies in one sector: what they point
     * to is stable before, they are thereafter (invariant Q6).
     */
    void switchHeader(int offset, long... fields) {
        MemorySegment bytes = MemorySegment.ofArray(new byte[fields.length * Long.BYTES]);
        for (int i = 0; i < fields.length; i++) {
            Bytes.putU64(bytes, (long) i * Long.BYTES, fields[i]);
        }
        flush();
        write(offset, bytes);
        flush();
    }

    /** Clears bits of incompatible features, after all else is stable. */
    void clearIncompatible(long bits) {
        if (header.version() >= 3 && header.has(bits)) {
            switchHeader(INCOMPATIBLE_OFFSET, header.incompatible() & ~bits);
        }
    }
}
