package dev.gaur.storage.nbd;

import dev.gaur.mem.BufferPool;
import dev.gaur.mem.Bytes;
import dev.gaur.nbd.Nbd;
import dev.gaur.net.Transport;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.util.Map;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantLock;

/**
 * A connection after the handshake. Many threads may have a request on it at once: each sends its
 * own, and waits. One of those who wait receives, for all; when its own answer is there it leaves
 * receiving to another. There is no other thread, and nobody receives while nobody waits.
 *
 * <p>Whatever goes wrong with the connection ends it for all requests on it. Only who receives ends
 * requests of others, so that nothing is stored into a caller's memory after its request is over.
 */
final class Session {
    /** So much data goes with the header in one piece. */
    private static final int SMALL = 32 << 10;

    private final Transport transport;
    private final Agreement agreed;
    private final boolean extended;
    private final ReplyReader reader;
    private final Flights flights = new Flights();
    private final ReentrantLock sending = new ReentrantLock();
    private final MemorySegment out = BufferPool.allocate(SMALL + Nbd.EXTENDED_REQUEST_BYTES);

    /** Takes over a transport on which client and server have agreed. */
    Session(Transport transport, Inlet inlet, Agreement agreed) {
        this.transport = transport;
        this.agreed = agreed;
        this.extended = agreed.export().replies() == ExportInfo.ReplyMode.EXTENDED;
        this.reader =
                new ReplyReader(
                        inlet, agreed.export().replies(), agreed.contexts().keySet(), flights);
    }

    Agreement agreed() {
        return agreed;
    }

    /** Returns how many requests are on the way. */
    int load() {
        return flights.count();
    }

    boolean isBroken() {
        return flights.isClosed();
    }

    /** Returns what the session has ended with. */
    IOException ending() {
        return flights.ended();
    }

    /**
     * Sends a request and waits for its answer. An interrupt is kept for later.
     *
     * @return the extents that a block status brought: by context, pairs of length and flags
     * @throws ServerError if the server says that it failed
     * @throws IOException if there is no answer; the session is of no use any more
     */
    Map<Integer, long[]> perform(Command command) throws IOException, ServerError {
        Flight flight = new Flight(command);
        flights.begin(flight);
        try {
            send(flight);
        } catch (IOException | RuntimeException failure) {
            breakOff(
                    new IOException(
                            "cannot send to the NBD server: " + failure.getMessage(), failure));
        }
        await(flight);
        if (flights.end(flight)) {
            transport.close();
        }
        return flight.result();
    }

    private void send(Flight flight) throws IOException {
        MemorySegment source = flight.command().source();
        long size = source.byteSize();
        sending.lock();
        try {
            int header = putHeader(flight);
            if (size <= SMALL) {
                MemorySegment.copy(source, 0, out, header, size);
                transport.send(out.asSlice(0, header + size));
                return;
            }
            transport.send(out.asSlice(0, header));
            if (source.isNative()) {
                transport.send(source);
                return;
            }
            for (long done = 0, count; done < size; done += count) {
                count = Math.min(size - done, SMALL);
                MemorySegment.copy(source, done, out, 0, count);
                transport.send(out.asSlice(0, count));
            }
        } finally {
            sending.unlock();
        }
    }

    private int putHeader(Flight flight) {
        Command command = flight.command();
        boolean payload = extended && command.type() == Nbd.CMD_WRITE;
        Bytes.putU32(out, 0, extended ? Nbd.EXTENDED_REQUEST_MAGIC : Nbd.REQUEST_MAGIC);
        Bytes.putU16(out, 4, command.flags() | (payload ? Nbd.CMD_FLAG_PAYLOAD_LEN : 0));
        Bytes.putU16(out, 6, command.type());
        Bytes.putU64(out, 8, flight.cookie);
        Bytes.putU64(out, 16, command.offset());
        if (extended) {
            Bytes.putU64(out, 24, command.length());
            return Nbd.EXTENDED_REQUEST_BYTES;
        }
        Bytes.putU32(out, 24, command.length());
        return Nbd.REQUEST_BYTES;
    }

    private void await(Flight own) {
        boolean interrupted = false;
        while (!own.isDone()) {
            if (flights.lead(own)) {
                try {
                    receiveUntilDone(own);
                } finally {
                    flights.resign();
                }
            } else if (!own.isDone()) {
                LockSupport.park(this);
                interrupted |= Thread.interrupted();
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    private void receiveUntilDone(Flight own) {
        try {
            while (!own.isDone()) {
                reader.next();
            }
        } catch (IOException failure) {
            breakOff(failure);
            flights.failAll();
        } catch (RuntimeException | Error bug) {
            breakOff(new IOException("cannot receive: " + bug, bug));
            flights.failAll();
            throw bug;
        }
    }

    /** Ends the connection; requests on it fail soon. */
    void breakOff(IOException why) {
        boolean idle = flights.close(why);
        transport.shutdown();
        if (idle) {
            transport.close();
        }
    }

    /** Says goodbye, if nobody is sending, and ends the connection. */
    void close(IOException why) {
        boolean idle = flights.close(why);
        if (idle && sending.tryLock()) {
            try {
                putHeader(new Flight(Command.plain(Nbd.CMD_DISC, 0, 0, 0)));
                transport.send(
                        out.asSlice(0, extended ? Nbd.EXTENDED_REQUEST_BYTES : Nbd.REQUEST_BYTES));
            } catch (IOException _) {
                // The server has left already.
            } finally {
                sending.unlock();
            }
        }
        breakOff(why);
    }
}
