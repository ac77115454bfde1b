package dev.gaur.job;

import dev.gaur.mem.BufferPool;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;

/**
 * A piece of a disk on its way through a worker: a buffer of bytes, cut into units of the target,
 * and what each unit is. A hole is a chunk of one content, as long as it may be, without bytes.
 * Belongs to one worker, which uses it again and again.
 */
final class Chunk {
    /** What a unit of the target is. */
    enum Content {
        /** Bytes to be written. */
        DATA,
        /** Reads as zeros. */
        ZERO,
        /** Nothing to do: the target's backing file has it. */
        BACKING
    }

    private final int unit;
    private final MemorySegment buffer;
    private final Content[] contents;
    private long ticket;
    private long offset;
    private long length;
    private boolean hole;
    private int marked;

    /**
     * @param unit bytes of a unit
     * @param size bytes of the largest chunk that is no hole, a multiple of the unit
     */
    Chunk(int unit, int size) {
        this.unit = unit;
        this.buffer = BufferPool.allocate(size);
        this.contents = new Content[size / unit];
    }

    /** Becomes a chunk whose units' contents are not known yet. */
    void begin(long newTicket, long newOffset, long newLength) {
        ticket = newTicket;
        offset = newOffset;
        length = newLength;
        hole = false;
        Arrays.fill(contents, Content.BACKING);
        marked = 0;
    }

    /** Becomes a hole. */
    void beginHole(long newTicket, long newOffset, long newLength, Content content) {
        ticket = newTicket;
        offset = newOffset;
        length = newLength;
        hole = true;
        contents[0] = content;
    }

    /**
     * Says what a range is; ranges come in ascending order and without gaps. A unit with several
     * contents is data.
     */
    void mark(long from, long to, Content content) {
        int first = (int) ((from - offset) / unit);
        int end = (int) ((to - offset + unit - 1) / unit);
        for (int i = first; i < end; i++) {
            contents[i] = i < marked && contents[i] != content ? Content.DATA : content;
        }
        marked = end;
    }

    long ticket() {
        return ticket;
    }

    long offset() {
        return offset;
    }

    long length() {
        return length;
    }

    int unit() {
        return unit;
    }

    MemorySegment buffer() {
        return buffer;
    }

    /** Tells whether the chunk has one content throughout, and no bytes. */
    boolean isHole() {
        return hole;
    }

    /** How many units; only for what is no hole. */
    int units() {
        return (int) ((length + unit - 1) / unit);
    }

    /** The content of a unit; of all units of a hole. */
    Content content(int index) {
        return contents[hole ? 0 : index];
    }

    void setContent(int index, Content content) {
        contents[index] = content;
    }

    /** The index after the last of the units from {@code first} on that have the same content. */
    int runEnd(int first) {
        int end = first + 1;
        while (end < units() && contents[end] == contents[first]) {
            end++;
        }
        return end;
    }

    /** Bytes from the chunk's start to a unit, which may be the one after the last. */
    long startOf(int index) {
        return Math.min((long) index * unit, length);
    }

    /** Clears what the last unit has behind the end of the disk. */
    void clearTail() {
        long whole = (long) units() * unit;
        buffer.asSlice(length, whole - length).fill((byte) 0);
    }

    /** The bytes of units, without what lies behind the end of the disk. */
    MemorySegment bytes(int first, int end) {
        return buffer.asSlice(startOf(first), startOf(end) - startOf(first));
    }

    /** The bytes of units, the last one whole. */
    MemorySegment wholeUnits(int first, int end) {
        return buffer.asSlice((long) first * unit, (long) (end - first) * unit);
    }
}
