package dev.gaur.export;

import dev.gaur.mem.Bytes;
import dev.gaur.nbd.Nbd;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/**
 * The three forms of a reply, as client and server have agreed. Offsets {@code at} are places in
 * the buffer that the reply is written to.
 */
enum ReplyFormat {
    SIMPLE(Nbd.SIMPLE_REPLY_BYTES, Nbd.SIMPLE_REPLY_BYTES),
    STRUCTURED(Nbd.STRUCTURED_REPLY_BYTES, Nbd.STRUCTURED_REPLY_BYTES + Long.BYTES),
    EXTENDED(Nbd.EXTENDED_REPLY_BYTES, Nbd.EXTENDED_REPLY_BYTES + Long.BYTES);

    /** Enough for any error and its message. */
    static final int ERROR_BYTES_MAX = 512;

    /** Enough for what stands before data. */
    static final int DATA_HEADER_BYTES_MAX = Nbd.EXTENDED_REPLY_BYTES + Long.BYTES;

    private static final int MESSAGE_BYTES_MAX = ERROR_BYTES_MAX - Nbd.EXTENDED_REPLY_BYTES - 6;

    private final int headerBytes;
    private final int dataHeaderBytes;

    ReplyFormat(int headerBytes, int dataHeaderBytes) {
        this.headerBytes = headerBytes;
        this.dataHeaderBytes = dataHeaderBytes;
    }

    int requestBytes() {
        return this == EXTENDED ? Nbd.EXTENDED_REQUEST_BYTES : Nbd.REQUEST_BYTES;
    }

    /** Returns how many bytes stand before the data of a read. */
    int dataHeaderBytes() {
        return dataHeaderBytes;
    }

    private static void putSimple(MemorySegment target, long at, Request request, int error) {
        Bytes.putU32(target, at, Nbd.SIMPLE_REPLY_MAGIC);
        Bytes.putU32(target, at + 4, error);
        Bytes.putU64(target, at + 8, request.cookie());
    }

    /** Writes the header of a chunk and returns its length; not for simple replies. */
    int putChunk(MemorySegment target, long at, Request request, int flags, int type, long length) {
        boolean extended = this == EXTENDED;
        Bytes.putU32(target, at, extended ? Nbd.EXTENDED_REPLY_MAGIC : Nbd.STRUCTURED_REPLY_MAGIC);
        Bytes.putU16(target, at + 4, flags);
        Bytes.putU16(target, at + 6, type);
        Bytes.putU64(target, at + 8, request.cookie());
        if (extended) {
            Bytes.putU64(target, at + 16, request.offset());
            Bytes.putU64(target, at + 24, length);
        } else {
            Bytes.putU32(target, at + 16, length);
        }
        return headerBytes;
    }

    /** Writes what stands before all data of a read, which then is its only answer. */
    void putDataHeader(MemorySegment target, long at, Request request) {
        putDataHeader(target, at, request, request.offset(), request.length(), true);
    }

    /** Writes what stands before a part of the data of a read. */
    void putDataHeader(
            MemorySegment target,
            long at,
            Request request,
            long offset,
            long length,
            boolean last) {
        if (this == SIMPLE) {
            putSimple(target, at, request, 0);
            return;
        }
        int flags = last ? Nbd.REPLY_FLAG_DONE : 0;
        long size = Long.BYTES + length;
        int header = putChunk(target, at, request, flags, Nbd.REPLY_TYPE_OFFSET_DATA, size);
        Bytes.putU64(target, at + header, offset);
    }

    /** Writes that a part of what is read is zeros; returns the length. Not for simple replies. */
    int putHole(
            MemorySegment target,
            long at,
            Request request,
            long offset,
            long length,
            boolean last) {
        int flags = last ? Nbd.REPLY_FLAG_DONE : 0;
        int size = Long.BYTES + Integer.BYTES;
        int header = putChunk(target, at, request, flags, Nbd.REPLY_TYPE_OFFSET_HOLE, size);
        Bytes.putU64(target, at + header, offset);
        Bytes.putU32(target, at + header + Long.BYTES, length);
        return header + size;
    }

    /** Writes that a request without data in its answer is done; returns the length. */
    int putDone(MemorySegment target, long at, Request request) {
        if (this == EXTENDED) {
            int flags = Nbd.REPLY_FLAG_DONE;
            return putChunk(target, at, request, flags, Nbd.REPLY_TYPE_NONE, 0);
        }
        putSimple(target, at, request, 0); // Legal beside chunks for all but reads and status.
        return Nbd.SIMPLE_REPLY_BYTES;
    }

    /** Writes that a request failed; returns the length, at most {@link #ERROR_BYTES_MAX}. */
    int putError(MemorySegment target, long at, Request request, int error, String message) {
        if (this == SIMPLE) {
            putSimple(target, at, request, error);
            return Nbd.SIMPLE_REPLY_BYTES;
        }
        byte[] text = message.getBytes(StandardCharsets.UTF_8);
        if (text.length > MESSAGE_BYTES_MAX) {
            text = Arrays.copyOf(text, cut(text));
        }
        int size = Integer.BYTES + Short.BYTES + text.length;
        int flags = Nbd.REPLY_FLAG_DONE;
        int header = putChunk(target, at, request, flags, Nbd.REPLY_TYPE_ERROR, size);
        Bytes.putU32(target, at + header, error);
        Bytes.putU16(target, at + header + 4, text.length);
        MemorySegment.copy(MemorySegment.ofArray(text), 0, target, at + header + 6, text.length);
        return header + size;
    }

    /** Where a long message may end without cutting a character. */
    private static int cut(byte[] text) {
        int end = MESSAGE_BYTES_MAX;
        while ((text[end] & 0xc0) == 0x80) {
            end--;
        }
        return end;
    }
}
