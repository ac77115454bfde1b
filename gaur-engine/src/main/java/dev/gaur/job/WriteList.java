package dev.gaur.job;

import dev.gaur.block.BlockIo;
import dev.gaur.block.Durability;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;

/**
 * Writes that a worker will make: which bytes of its buffers go where. Neighbours become one. Used
 * by one thread, again and again.
 */
final class WriteList {
    private MemorySegment[] buffers = new MemorySegment[16];
    private long[] froms = new long[16];
    private long[] lengths = new long[16];
    private long[] hostOffsets = new long[16];
    private int count;

    /** Adds a write of {@code length} bytes of a buffer. */
    void add(long hostOffset, MemorySegment buffer, long from, long length) {
        int last = count - 1;
        if (last >= 0
                && buffers[last] == buffer
                && froms[last] + lengths[last] == from
                && hostOffsets[last] + lengths[last] == hostOffset) {
            lengths[last] += length;
            return;
        }
        if (count == froms.length) {
            buffers = Arrays.copyOf(buffers, 2 * count);
            froms = Arrays.copyOf(froms, 2 * count);
            lengths = Arrays.copyOf(lengths, 2 * count);
            hostOffsets = Arrays.copyOf(hostOffsets, 2 * count);
        }
        buffers[count] = buffer;
        froms[count] = from;
        lengths[count] = length;
        hostOffsets[count++] = hostOffset;
    }

    /** Returns where the last write ends in the file, 0 if there is none. */
    long end() {
        long end = 0;
        for (int i = 0; i < count; i++) {
            end = Math.max(end, hostOffsets[i] + lengths[i]);
        }
        return end;
    }

    /** Makes all writes; the list is empty then. */
    void writeTo(BlockIo file) {
        for (int i = 0; i < count; i++) {
            MemorySegment bytes = buffers[i].asSlice(froms[i], lengths[i]);
            file.write(hostOffsets[i], bytes, Durability.CACHED);
        }
        count = 0;
    }
}
