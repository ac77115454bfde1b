package dev.gaur.net;

import java.io.EOFException;
import java.io.IOException;
import java.lang.foreign.MemorySegment;

/**
 * A connection: bytes in order, in both directions. One thread may receive while another sends; two
 * must not do the same at once. Both block as long as the peer makes them wait.
 */
public interface Transport extends AutoCloseable {
    /** What {@link #receive} returns when the peer has ended the stream. */
    int END = -1;

    /**
     * Waits until there is at least one byte, and takes what is there.
     *
     * @param target takes the bytes from its start on; not empty
     * @return how many came, or {@link #END}
     * @throws IOException if the connection broke
     */
    int receive(MemorySegment target) throws IOException;

    /**
     * The same for who expects the bytes within microseconds: may look for them again and again
     * rather than sleep, unless that has not paid lately. Only for who keeps nobody from the
     * processor.
     */
    default int receiveSoon(MemorySegment target) throws IOException {
        return receive(target);
    }

    /**
     * Takes what is there, and does not wait.
     *
     * @return how many bytes came; 0 if none, if the stream has ended, or if that cannot be told
     *     without waiting
     */
    default int receiveNow(MemorySegment target) {
        return 0;
    }

    /**
     * Sends what can be sent without waiting.
     *
     * @return how many bytes were sent; 0 where that cannot be told, or nothing could be sent,
     *     which {@link #send} will tell
     */
    default int sendNow(MemorySegment source) {
        return 0;
    }

    /**
     * Sends all.
     *
     * @throws IOException if the connection broke; part may have been sent
     */
    void send(MemorySegment source) throws IOException;

    /**
     * Ends the connection in both directions: whoever is in {@link #receive} or {@link #send}
     * returns soon. May be called by any thread, at any time, more than once.
     */
    void shutdown();

    /**
     * Ends receiving alone: whoever is in {@link #receive} gets {@link #END} soon, and what was
     * received before may be answered. May be called by any thread, at any time, more than once.
     */
    void shutdownInput();

    /** Returns a short description of the other side, for messages. */
    String peer();

    /**
     * Releases the connection; to be called once nobody receives or sends any more. Closing twice
     * does nothing.
     */
    @Override
    void close();

    /** Receives until {@code target} is full; a stream that ends before is an IOException. */
    default void receiveAll(MemorySegment target) throws IOException {
        long size = target.byteSize();
        for (long done = 0; done < size; ) {
            int count = receive(target.asSlice(done));
            if (count == END) {
                throw new EOFException("the other side closed the connection");
            }
            done += count;
        }
    }
}
