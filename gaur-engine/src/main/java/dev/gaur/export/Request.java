package dev.gaur.export;

import dev.gaur.mem.Bytes;
import dev.gaur.nbd.Nbd;
import java.lang.foreign.MemorySegment;

/**
 * A client's request as it stands on the wire: nothing of it has been checked but the magic number.
 *
 * @param flags of the command
 * @param type one of the protocol's commands, or anything else
 * @param cookie what the client knows it by
 * @param offset in bytes; may look negative
 * @param length in bytes; may look negative with extended headers
 */
record Request(int flags, int type, long cookie, long offset, long length) {
    /** Reads the request at {@code at}; {@link #isAt} has said that there is one. */
    static Request parse(MemorySegment bytes, long at, boolean extended) {
        return new Request(
                Bytes.u16(bytes, at + 4),
                Bytes.u16(bytes, at + 6),
                Bytes.u64(bytes, at + 8),
                Bytes.u64(bytes, at + 16),
                extended ? Bytes.u64(bytes, at + 24) : Bytes.u32(bytes, at + 24));
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
