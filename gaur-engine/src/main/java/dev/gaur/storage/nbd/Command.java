package dev.gaur.storage.nbd;

import dev.gaur.nbd.Nbd;
import java.lang.foreign.MemorySegment;

/**
 * A request.
 *
 * @param source what is written, else empty
 * @param target takes what is read, else empty
 */
record Command(
        int type, int flags, long offset, long length, MemorySegment source, MemorySegment target) {
    private static final MemorySegment NOTHING = MemorySegment.NULL;

    static Command read(long offset, MemorySegment target) {
        return new Command(Nbd.CMD_READ, 0, offset, target.byteSize(), NOTHING, target);
    }

    static Command write(int flags, long offset, MemorySegment source) {
        return new Command(Nbd.CMD_WRITE, flags, offset, source.byteSize(), source, NOTHING);
    }

    static Command plain(int type, int flags, long offset, long length) {
        return new Command(type, flags, offset, length, NOTHING, NOTHING);
    }

    boolean isRead() {
        return type == Nbd.CMD_READ;
    }

    boolean isStatus() {
        return type == Nbd.CMD_BLOCK_STATUS;
    }

    /** Tells whether a range lies within that of the request. */
    boolean contains(long from, long count) {
        return from >= offset && count <= length && from - offset <= length - count;
    }
}
