package dev.gaur.export;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import dev.gaur.block.BlockException;
import dev.gaur.block.BlockIo;
import dev.gaur.block.Durability;
import dev.gaur.nbd.Nbd;
import dev.gaur.nbd.NbdErrors;
import dev.gaur.sync.Spinners;
import java.io.EOFException;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Reads a client's requests and sees to it that each is answered. What needs no waiting is done
 * here: reads whose data is in memory or on its way there, writes as long as the system takes them
 * at once. Everything else goes to the workers, unless nothing else is there to be done: then
 * waking one would only take longer.
 *
 * <p>For the connection's thread. Requests in flight are in no order, as the protocol has it; but a
 * flush covers every write that was answered before it came, on any connection.
 */
final class Transmission {
    private static final long DISK_NANOS = 150_000;
    private static final int LOOK_EVERY = 64;

    private final Agreement agreed;
    private final Export export;
    private final BlockIo disk;
    private final ReplyFormat format;
    private final Inlet inlet;
    private final Outlet outlet;
    private final Buffers buffers;
    private final Workers workers;
    private final Flights flights = new Flights();
    private final Patience patience = new Patience();
    private final SlowRequests slow;
    private final Reads reads;

    /** Requests since the client was last waited for. */
    private int served;

    Transmission(Agreement agreed, Inlet inlet, Outlet outlet, Buffers buffers, Workers workers) {
        this.agreed = agreed;
        this.export = agreed.export();
        this.disk = export.disk();
        this.format = agreed.format();
        this.inlet = inlet;
        this.outlet = outlet;
        this.buffers = buffers;
        this.workers = workers;
        this.slow = new SlowRequests(agreed, buffers);
        this.reads = new Reads(agreed, outlet, buffers, slow);
        outlet.setHolder(reads);
    }

    /**
     * Serves requests until the client has no more; on return all are answered.
     *
     * @throws IOException if the client broke off, or sends what is no request
     */
    void run() throws IOException {
        try {
            boolean goOn = awaitRequest();
            inlet.enlarge(); // An idle client has cost little so far.
            outlet.enlarge();
            while (goOn) {
                goOn = next() && awaitRequest();
            }
        } finally {
            try {
                reads.end();
            } finally {
                flights.awaitNone(); // Workers use the connection until then.
                outlet.flush();
            }
        }
    }

    private boolean hasRequest() {
        return inlet.available() >= format.requestBytes();
    }

    private boolean awaitRequest() throws IOException {
        while (!hasRequest()) {
            outlet.flush();
            if (reads.isEmpty()) {
                // Workers may need the processor; and with several requests at a time the one
                // waking does not count.
                boolean soon = served <= 1 && flights.isEmpty();
                served = 0;
                return inlet.await(format.requestBytes(), soon) && !outlet.isBroken();
            }
            awaitData();
        }
        return true;
    }

    /**
     * Waits for data of a read, or for the next request, which may want data that nobody has asked
     * the disk for yet: so it looks for both, for about as long as fast disks take.
     */
    private void awaitData() {
        boolean found = inlet.poll() || reads.answerReady();
        if (!found && !(Spinners.begin() && isDataFound())) {
            reads.answerOldest();
        }
    }

    private boolean isDataFound() {
        try {
            return lookForData();
        } finally {
            Spinners.end();
        }
    }

    private boolean lookForData() {
        long end = System.nanoTime() + DISK_NANOS;
        do {
            if (inlet.poll() || reads.answerReady()) {
                return true;
            }
            Thread.onSpinWait();
        } while (System.nanoTime() < end);
        return false;
    }

    /** Serves one request that has arrived; returns whether there may be more. */
    private boolean next() throws IOException {
        MemorySegment bytes = inlet.buffer();
        int at = inlet.position();
        boolean extended = agreed.isExtended();
        if (!Request.isAt(bytes, at, extended)) {
            throw new IOException("the client sent what is no request");
        }
        Request request = Request.parse(bytes, at, extended);
        inlet.skip(format.requestBytes());
        if (++served % LOOK_EVERY == 0) {
            reads.answerReady(); // Others may wait for what is held; and there may be no pause.
        }
        if (request.type() == Nbd.CMD_DISC) {
            return false;
        }
        int error = Refusals.errorOf(request, agreed);
        if (error != 0) {
            refuse(request, error);
            return true;
        }
        switch (request.type()) {
            case Nbd.CMD_READ -> readOrFail(request);
            case Nbd.CMD_WRITE -> write(request);
            case Nbd.CMD_BLOCK_STATUS -> status(request);
            default -> perform(0, () -> slow.perform(request));
        }
        return true;
    }

    /** Tells whether a chunk of data, which must have some, cannot be the answer. */
    private boolean isEmpty(Request request) {
        return request.length() == 0 && format != ReplyFormat.SIMPLE;
    }

    private void readOrFail(Request request) {
        if (isEmpty(request)) {
            answerNothing(request);
            return;
        }
        try {
            read(request);
        } catch (BlockException.Media noMemory) {
            fail(request, NbdErrors.of(noMemory));
        }
    }

    private void answerNothing(Request request) {
        export.counters().count(request, 0);
        MemorySegment batch = outlet.reserve(ReplyFormat.DATA_HEADER_BYTES_MAX);
        int flags = Nbd.REPLY_FLAG_DONE;
        int at = outlet.position();
        outlet.add(format.putChunk(batch, at, request, flags, Nbd.REPLY_TYPE_NONE, 0));
    }

    private void refuse(Request request, int error) throws IOException {
        boolean flagged = agreed.isExtended() && request.has(Nbd.CMD_FLAG_PAYLOAD_LEN);
        if (request.type() == Nbd.CMD_WRITE || flagged) {
            outlet.flush();
            reads.letGo();
            if (request.length() < 0 || request.length() > Nbd.PAYLOAD_MAX) {
                throw new IOException("the client wants to send too much at once");
            }
            inlet.drop(request.length());
        }
        fail(request, error);
    }

    private void fail(Request request, int error) {
        export.counters().count(request, error);
        MemorySegment batch = outlet.reserve(ReplyFormat.ERROR_BYTES_MAX);
        String text = NbdErrors.text(error);
        outlet.add(format.putError(batch, outlet.position(), request, error, text));
    }

    /** Tells whether nothing but the request that is looked at is to be done. */
    private boolean isAlone() {
        return flights.isEmpty() && reads.isEmpty() && !hasRequest();
    }

    /**
     * Has work done by a worker, or here if nothing else is to be done.
     *
     * @param size bytes of memory that it holds
     */
    private void perform(long size, Supplier<Outlet.Answer> work) {
        if (isAlone()) {
            outlet.flush(); // Who waits for what is done shall not wait for this.
            outlet.send(work.get());
            return;
        }
        if (!flights.hasRoom(size)) {
            outlet.flush();
            reads.letGo(); // Those who have the room may wait for it.
        }
        flights.begin(size);
        try {
            workers.run(() -> answer(size, work));
        } catch (OutOfMemoryError noThread) {
            reads.letGo(); // It may wait for them.
            answer(size, work);
        }
    }

    /** Mostly by a worker. Whatever happens the request ends, or the connection would not. */
    private void answer(long size, Supplier<Outlet.Answer> work) {
        boolean posted = false;
        try {
            Outlet.Answer answer = work.get();
            posted = true;
            workers.send(() -> outlet.post(new Ending(answer, () -> flights.end(size))));
        } finally {
            if (!posted) {
                outlet.breakOff();
                flights.end(size);
            }
        }
    }

    /** An answer after which a worker's request is over. */
    private record Ending(Outlet.Answer answer, Runnable end) implements Outlet.Answer {
        @Override
        public List<MemorySegment> parts() {
            return answer.parts();
        }

        @Override
        public void done() {
            try {
                answer.done();
            } finally {
                end.run();
            }
        }
    }

    private void read(Request request) {
        if (!reads.begin(request)) {
            Buffers.Buffer buffer = lease(request.length());
            perform(request.length(), () -> slow.read(request, buffer));
        }
    }

    private Buffers.Buffer lease(long length) {
        Buffers.Buffer buffer = buffers.tryLease(length);
        if (buffer != null) {
            return buffer;
        }
        outlet.flush();
        reads.letGo();
        return buffers.lease(length);
    }

    // ---- writes

    private void write(Request request) throws IOException {
        long length = request.length();
        boolean here = !request.has(Nbd.CMD_FLAG_FUA) && !reads.holds() && patience.isThere();
        if (here && length <= inlet.capacity()) {
            writeHere(request, receive((int) length));
            return;
        }
        boolean begins = !here && !isAlone();
        Buffers.Buffer kept = begins ? reads.leaseToWrite(request) : null;
        Buffers.Buffer buffer = kept == null ? leaseNow(length) : kept;
        if (buffer == null) {
            writeInPieces(request);
            return;
        }
        receive(buffer, length);
        if (here) {
            try (buffer) {
                writeHere(request, buffer.data(length));
            }
        } else if (kept == null || !reads.beginWrite(request, kept)) {
            perform(length, () -> slow.write(request, buffer));
        }
    }

    private Buffers.@Nullable Buffer leaseNow(long length) {
        try {
            return buffers.tryLease(length);
        } catch (BlockException.Media _) {
            return null; // There may be enough for a part of it.
        }
    }

    /** Where memory is short a large write needs little of it, for who sends slowly keeps it. */
    private void writeInPieces(Request request) throws IOException {
        outlet.flush();
        reads.letGo();
        int error = 0;
        for (long done = 0; done < request.length(); ) {
            long count = Math.min(Buffers.MEDIUM, request.length() - done);
            int failed = writePiece(request.part(done, count), error == 0);
            error = error == 0 ? failed : error;
            done += count;
        }
        if (error == 0) {
            reads.putDone(request);
        } else {
            fail(request, error);
        }
    }

    /** Receives a part of a write, and does it unless one before has failed. */
    private int writePiece(Request part, boolean wanted) throws IOException {
        Buffers.Buffer piece;
        try {
            piece = buffers.lease(part.length());
        } catch (BlockException.Media noMemory) {
            inlet.drop(part.length());
            return NbdErrors.of(noMemory);
        }
        try (piece) {
            MemorySegment data = piece.data(part.length());
            inlet.read(data);
            return wanted ? slow.tryWrite(part, data) : 0;
        }
    }

    /** Receives what fits into the inlet; it stays valid until the next request is waited for. */
    private MemorySegment receive(int count) throws IOException {
        if (inlet.available() < count) {
            outlet.flush();
            reads.letGo();
            if (!inlet.await(count)) {
                throw new EOFException("the client left in the middle of a request");
            }
        }
        return inlet.take(count);
    }

    private void receive(Buffers.Buffer buffer, long length) throws IOException {
        boolean received = false;
        try {
            if (inlet.available() < length) {
                awaitWhileDisksWork(length);
            }
            inlet.read(buffer.data(length));
            received = true;
        } finally {
            if (!received) {
                buffer.close();
            }
        }
    }

    /** Waits for what a client sends as long as a disk does something anyway, not for it alone. */
    private void awaitWhileDisksWork(long length) {
        outlet.flush();
        inlet.makeRoom((int) Math.min(length, inlet.capacity()));
        while (reads.holds() && inlet.available() < Math.min(length, inlet.capacity())) {
            if (!reads.answerReady()) { // First: it may send byte by byte.
                awaitData();
            }
            outlet.flush();
        }
        if (inlet.available() < length) {
            reads.letGo(); // There is no room for more to come meanwhile.
        }
    }

    private void writeHere(Request request, MemorySegment data) {
        long start = System.nanoTime();
        try {
            disk.write(request.offset(), data, Durability.CACHED);
        } catch (RuntimeException | OutOfMemoryError failure) {
            fail(request, NbdErrors.of(failure));
            return;
        }
        patience.learn(System.nanoTime() - start, request.length());
        reads.putDone(request);
    }

    // ---- status

    private void status(Request request) throws IOException {
        if (!request.hasPayload()) {
            perform(0, () -> slow.status(request));
            return;
        }
        if (request.length() < 0 || request.length() > inlet.capacity()) {
            throw new IOException("the client wants to send too much at once");
        }
        byte[] copy = receive((int) request.length()).toArray(JAVA_BYTE);
        perform(0, () -> slow.status(request, MemorySegment.ofArray(copy)));
    }
}
