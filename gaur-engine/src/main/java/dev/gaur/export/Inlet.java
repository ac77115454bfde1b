package dev.gaur.export;

import dev.gaur.net.Transport;
import java.io.EOFException;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * What a client has sent and nobody has looked at yet. For the connection's thread alone. As long
 * as a client is idle its buffer is small.
 */
final class Inlet {
    /** Holds any option that a handshake takes. */
    private static final int SMALL = 16 << 10;

    /** Dozens of small requests with their data. */
    private static final int LARGE = 512 << 10;

    private final Arena arena;
    private final Progress progress;
    private Transport transport;
    private MemorySegment buffer;
    private int start;
    private int end;

    Inlet(Transport transport, Arena arena, Progress progress) {
        this.transport = transport;
        this.arena = arena;
        this.progress = progress;
        this.buffer = arena.allocate(SMALL, Long.BYTES);
    }

    /**
     * Goes on with another transport.
     *
     * @throws IOException if something lies here that came by the old one
     */
    void replace(Transport other) throws IOException {
        if (start != end) {
            throw new IOException("plain text before the encryption began");
        }
        transport = other;
    }

    /** Makes room for many requests. */
    void enlarge() {
        if (buffer.byteSize() < LARGE) {
            MemorySegment larger = arena.allocate(LARGE, 4096);
            MemorySegment.copy(buffer, start, larger, 0, end - start);
            end -= start;
            start = 0;
            buffer = larger;
        }
    }

    /** Returns how many bytes one can wait for. */
    int capacity() {
        return (int) buffer.byteSize();
    }

    int available() {
        return end - start;
    }

    /**
     * Waits until {@code count} bytes are there.
     *
     * @return false if the stream ended with none
     * @throws EOFException if it ended with some, but fewer
     */
    boolean await(int count) throws IOException {
        return await(count, false);
    }

    /**
     * The same.
     *
     * @param soon as for {@link Transport#receiveSoon}
     */
    boolean await(int count, boolean soon) throws IOException {
        makeRoom(count);
        while (end - start < count) {
            if (start == end) {
                start = 0;
                end = 0;
            }
            MemorySegment free = buffer.asSlice(end);
            int got = soon ? transport.receiveSoon(free) : transport.receive(free);
            if (got == Transport.END) {
                if (start == end) {
                    return false;
                }
                throw new EOFException("the client left in the middle of a message");
            }
            end += got;
        }
        return true;
    }

    /** Sees to it that so many bytes have room, with those that are there. */
    void makeRoom(int count) {
        if (capacity() - start < count) {
            MemorySegment.copy(buffer, start, buffer, 0, end - start);
            end -= start;
            start = 0;
        }
    }

    /** Takes what has come, if anything has and there is room; does not wait. */
    boolean poll() {
        if (start == end) {
            start = 0;
            end = 0;
        }
        int got = end == capacity() ? 0 : transport.receiveNow(buffer.asSlice(end));
        end += got;
        return got > 0;
    }

    /** Returns the buffer, for looking at what is there. */
    MemorySegment buffer() {
        return buffer;
    }

    /** Returns the place in the buffer where the next byte is. */
    int position() {
        return start;
    }

    void skip(int count) {
        start += count;
    }

    /** Takes bytes that were waited for; valid until the next wait. */
    MemorySegment take(int count) {
        MemorySegment bytes = buffer.asSlice(start, count);
        start += count;
        return bytes;
    }

    /** Fills {@code target} with what is there, and then straight from the client. */
    void read(MemorySegment target) throws IOException {
        long size = target.byteSize();
        int here = (int) Math.min(size, available());
        MemorySegment.copy(buffer, start, target, 0, here);
        start += here;
        if (here < size) {
            progress.beginReceiving();
            try {
                receiveAll(target, here);
            } finally {
                progress.endReceiving();
            }
        }
    }

    private void receiveAll(MemorySegment target, int from) throws IOException {
        long size = target.byteSize();
        for (long done = from; done < size; ) {
            int count = transport.receive(target.asSlice(done));
            if (count == Transport.END) {
                throw new EOFException("the client left in the middle of a message");
            }
            done += count;
            progress.hasSent();
        }
    }

    /** Drops bytes, whether they are there yet or not. */
    void drop(long count) throws IOException {
        long left = count;
        while (left > 0) {
            if (!await(1)) {
                throw new EOFException("the client left in the middle of a message");
            }
            int here = (int) Math.min(left, available());
            start += here;
            left -= here;
        }
    }
}
