package dev.gaur.storage.nbd;

import dev.gaur.mem.BufferPool;
import dev.gaur.mem.Bytes;
import dev.gaur.net.Transport;
import java.io.EOFException;
import java.io.IOException;
import java.lang.foreign.MemorySegment;

/** What a server has sent and nobody has looked at yet. For one thread at a time. */
final class Inlet {
    /** Dozens of small answers with their data. */
    private static final int CAPACITY = 64 << 10;

    private final Transport transport;
    private final MemorySegment buffer = BufferPool.allocate(CAPACITY);
    private int start;
    private int end;

    Inlet(Transport transport) {
        this.transport = transport;
    }

    boolean isEmpty() {
        return start == end;
    }

    /** Waits until {@code count} bytes are there, of which there is room for 64 KiB. */
    void await(int count) throws IOException {
        if (CAPACITY - start < count) {
            MemorySegment.copy(buffer, start, buffer, 0, end - start);
            end -= start;
            start = 0;
        }
        while (end - start < count) {
            if (start == end) {
                start = 0;
                end = 0;
            }
            int got = transport.receive(buffer.asSlice(end));
            if (got == Transport.END) {
                throw new EOFException("the NBD server closed the connection");
            }
            end += got;
        }
    }

    /** Returns a number that was waited for, counted from the next byte. */
    int u16(int at) {
        return Bytes.u16(buffer, start + at);
    }

    long u32(int at) {
        return Bytes.u32(buffer, start + at);
    }

    long u64(int at) {
        return Bytes.u64(buffer, start + at);
    }

    /** Passes over bytes that were waited for. */
    void skip(int count) {
        start += count;
    }

    /** Waits for bytes and takes them. */
    byte[] bytes(int count) throws IOException {
        byte[] bytes = new byte[count];
        read(MemorySegment.ofArray(bytes));
        return bytes;
    }

    /** Fills {@code target} with what is there, and then straight from the server if it can. */
    void read(MemorySegment target) throws IOException {
        long size = target.byteSize();
        long done = Math.min(size, end - start);
        MemorySegment.copy(buffer, start, target, 0, done);
        start += (int) done;
        while (done < size) {
            if (target.isNative()) {
                int got = transport.receive(target.asSlice(done));
                if (got == Transport.END) {
                    throw new EOFException("the NBD server closed the connection");
                }
                done += got;
            } else {
                await(1);
                int count = (int) Math.min(size - done, end - start);
                MemorySegment.copy(buffer, start, target, done, count);
                start += count;
                done += count;
            }
        }
    }
}
