package dev.gaur.export;

import dev.gaur.mem.Bytes;
import dev.gaur.nbd.Nbd;
import java.lang.foreign.MemorySegment;
import jdk.jfr.FlightRecorder;
import org.jspecify.annotations.Nullable;

/**
 * A client's request as it stands on the wire: nothing of it has been checked but the magic number.
 *
 * @param flags of the command
 * @param type one of the protocol's commands, or anything else
 * @param cookie what the client knows it by
 * @param offset in bytes; may look negative
 * @param length in bytes; may look negative with extended headers
 * @param event begun when the request was parsed; null if nobody records
 */
record Request(
        int flags, int type, long cookie, long offset, long length, @Nullable RequestEvent event) {
    /** A request that nobody records. */
    Request(int flags, int type, long cookie, long offset, long length) {
        this(flags, type, cookie, offset, length, null);
    }

    /** Reads the request at {@code at}; {@link #isAt} has said that there is one. */
    static Request parse(MemorySegment bytes, long at, boolean extended) {
        return new Request(
                Bytes.u16(bytes, at + 4),
                Bytes.u16(bytes, at + 6),
                Bytes.u64(bytes, at + 8),
                Bytes.u64(bytes, at + 16),
                extended ? Bytes.u64(bytes, at + 24) : Bytes.u32(bytes, at + 24),
                FlightRecorder.isInitialized() ? RequestEvent.now() : null);
    }

    static boolean isAt(MemorySegment bytes, long at, boolean extended) {
        int magic = extended ? Nbd.EXTENDED_REQUEST_MAGIC : Nbd.REQUEST_MAGIC;
        return (int) Bytes.u32(bytes, at) == magic;
    }

    /** Returns a request for a part of the range. */
    Request part(long from, long count) {
        return new Request(flags, type, cookie, offset + from, count);
    }

    boolean has(int flag) {
        return (flags & flag) != 0;
    }

    /**
     * Tells whether bytes follow on the wire: those to write, or a choice of contexts. Only of
     * requests whose flags are allowed.
     */
    boolean hasPayload() {
        return type == Nbd.CMD_WRITE
                || (type == Nbd.CMD_BLOCK_STATUS && has(Nbd.CMD_FLAG_PAYLOAD_LEN));
    }
}
