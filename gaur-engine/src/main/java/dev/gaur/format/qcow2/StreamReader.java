package dev.gaur.format.qcow2;

import dev.gaur.block.StorageNode;
import java.util.Arrays;

/** Reads metadata of unknown length from front to back, with few requests and little memory. */
final class StreamReader {
    private static final int BUFFER_BYTES = 64 << 10;

    private final StorageNode storage;
    private final String structure;
    private final long start;
    private final long limit;
    private byte[] buffer = new byte[0];
    private int at;
    private int end;
    private long read;

    /**
     * @param structure what is read, for messages
     * @param start host offset of the first byte
     * @param limit most bytes that may be read
     */
    StreamReader(StorageNode storage, String structure, long start, long limit) {
        this.storage = storage;
        this.structure = structure;
        this.start = start;
        this.limit = limit;
    }

    /** How many bytes were taken. */
    long position() {
        return read - (end - at);
    }

    /** Host offset of the next byte. */
    long hostOffset() {
        return start + position();
    }

    /** How many bytes may still be taken. */
    long remaining() {
        return limit - position();
    }

    /**
     * Takes the next bytes.
     *
     * @param count at most {@link #remaining}
     * @throws dev.gaur.block.BlockException.Corrupt if the file ends before
     */
    byte[] take(int count) {
        if (end - at < count) {
            fill(count);
        }
        byte[] taken = Arrays.copyOfRange(buffer, at, at + count);
        at += count;
        return taken;
    }

    private void fill(int count) {
        long next = start + read;
        int kept = end - at;
        Tables.checkPresent(storage, structure, hostOffset(), count);
        byte[] larger = new byte[Math.max(count, BUFFER_BYTES)];
        System.arraycopy(buffer, at, larger, 0, kept);
        int wanted =
                (int)
                        Math.min(
                                larger.length - kept,
                                Math.min(limit - read, storage.length() - next));
        storage.read(next, larger, kept, wanted);
        buffer = larger;
        at = 0;
        end = kept + wanted;
        read += wanted;
    }
}
