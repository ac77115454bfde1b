package dev.gaur.net;

import dev.gaur.mem.BufferPool;
import java.io.EOFException;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.util.concurrent.locks.ReentrantLock;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLEngineResult;
import javax.net.ssl.SSLEngineResult.HandshakeStatus;
import javax.net.ssl.SSLEngineResult.Status;
import javax.net.ssl.SSLException;

/**
 * TLS over another transport. The stream has ended only when the other side has said so: a
 * connection that is cut before is an error, or an attacker could cut off what was to come.
 *
 * <p>With TLS 1.3 the other side may ask for a new key at any time: the receiver then sends the
 * answer if nobody is sending, and else leaves it to the sender, so that it never waits for one.
 * With TLS 1.2 it could have everything agreed on anew, which is refused: it costs a server much
 * and is of use to nobody.
 */
final class TlsTransport implements Transport {
    private static final int BUFFER_BYTES = 64 << 10;
    private static final BufferPool BUFFERS = new BufferPool(BUFFER_BYTES, 64);
    private static final String HAS_KEY_UPDATES = "TLSv1.3";
    private static final ByteBuffer NOTHING = ByteBuffer.allocate(0);

    private final Transport plain;
    private final SSLEngine engine;
    private final int recordBytes;
    private final int packetBytes;

    // By the receiver.
    private final BufferPool.Lease inLease = BUFFERS.lease();
    private final ByteBuffer in = inLease.segment().asByteBuffer().limit(0);
    private final ByteBuffer rest;
    private boolean soon;
    private volatile boolean inputEnded;

    // Guarded by sending.
    private final ReentrantLock sending = new ReentrantLock();
    private final BufferPool.Lease outLease = BUFFERS.lease();
    private final ByteBuffer out = outLease.segment().asByteBuffer();

    private volatile boolean answerDue;
    private volatile boolean broken;
    private boolean closed; // guarded by sending

    private TlsTransport(Transport plain, SSLEngine engine) {
        this.plain = plain;
        this.engine = engine;
        this.recordBytes = engine.getSession().getApplicationBufferSize();
        this.packetBytes = engine.getSession().getPacketBufferSize();
        this.rest = ByteBuffer.allocate(recordBytes).limit(0);
    }

    /**
     * Agrees with the other side.
     *
     * @param engine knows which side this is, and what it demands
     * @throws IOException if they cannot; the other side was told why
     */
    static TlsTransport over(Transport plain, SSLEngine engine) throws IOException {
        TlsTransport transport = new TlsTransport(plain, engine);
        boolean agreed = false;
        try {
            transport.shakeHands();
            agreed = true;
        } catch (SSLException refused) {
            transport.tellWhy();
            throw new IOException("TLS: " + reason(refused), refused);
        } finally {
            if (!agreed) {
                transport.release();
            }
        }
        return transport;
    }

    private static String reason(SSLException refused) {
        Throwable deepest = refused;
        while (deepest.getCause() != null) {
            deepest = deepest.getCause();
        }
        String message = deepest.getMessage();
        return message == null ? deepest.toString() : message;
    }

    // ---- agreeing

    private void shakeHands() throws IOException {
        engine.beginHandshake();
        HandshakeStatus status = engine.getHandshakeStatus();
        while (status != HandshakeStatus.FINISHED && status != HandshakeStatus.NOT_HANDSHAKING) {
            status =
                    switch (status) {
                        case NEED_TASK -> runTasks();
                        case NEED_WRAP -> wrap(NOTHING).getHandshakeStatus();
                        default -> {
                            sendPackets();
                            yield takeHandshakeRecord();
                        }
                    };
        }
        sendPackets();
    }

    private HandshakeStatus runTasks() {
        for (Runnable task = engine.getDelegatedTask();
                task != null;
                task = engine.getDelegatedTask()) {
            task.run();
        }
        return engine.getHandshakeStatus();
    }

    private HandshakeStatus takeHandshakeRecord() throws IOException {
        rest.clear();
        try {
            SSLEngineResult result = engine.unwrap(in, rest);
            if (result.getStatus() == Status.CLOSED) {
                throw new EOFException("the other side ended TLS before it began");
            }
            if (result.getStatus() == Status.BUFFER_UNDERFLOW && !receivePackets()) {
                throw new EOFException("the other side left before TLS was agreed on");
            }
            return result.getHandshakeStatus();
        } finally {
            rest.flip();
        }
    }

    /** Sends the alert that says why there is no agreement. */
    private void tellWhy() {
        try {
            engine.closeOutbound();
            sendFarewell();
        } catch (IOException _) {
            // Then it will not know; the connection ends all the same.
        }
    }

    private void sendFarewell() throws IOException {
        while (!engine.isOutboundDone() && wrap(NOTHING).bytesProduced() > 0) {
            sendPackets();
        }
        sendPackets();
    }

    // ---- receiving

    @Override
    public int receive(MemorySegment target) throws IOException {
        soon = false;
        return receiveRecords(target);
    }

    @Override
    public int receiveSoon(MemorySegment target) throws IOException {
        soon = true;
        return receiveRecords(target);
    }

    private int receiveRecords(MemorySegment target) throws IOException {
        if (rest.hasRemaining()) {
            return takeRest(target);
        }
        if (target.byteSize() >= recordBytes) {
            return unwrap(target.asByteBuffer());
        }
        rest.clear();
        int count = END;
        try {
            count = unwrap(rest);
        } finally {
            rest.position(0).limit(Math.max(0, count));
        }
        return count == END ? END : takeRest(target);
    }

    private int takeRest(MemorySegment target) {
        int count = (int) Math.min(target.byteSize(), rest.remaining());
        MemorySegment.copy(MemorySegment.ofBuffer(rest), 0, target, 0, count);
        rest.position(rest.position() + count);
        return count;
    }

    /** Takes the records that are there, at least one. */
    private int unwrap(ByteBuffer target) throws IOException {
        int start = target.position();
        boolean goOn = true;
        while (goOn) {
            boolean full = target.remaining() < recordBytes;
            SSLEngineResult result = full ? null : engine.unwrap(in, target);
            boolean some = target.position() > start;
            if (result == null || result.getStatus() == Status.CLOSED) {
                return some ? target.position() - start : END;
            }
            switch (result.getStatus()) {
                case BUFFER_UNDERFLOW -> goOn = !some && (receivePackets() || !isOver());
                case BUFFER_OVERFLOW -> goOn = false; // Has room for any record.
                default -> look(result);
            }
        }
        return target.position() > start ? target.position() - start : END;
    }

    /** Tells that nothing comes any more because it was shut down here. */
    private boolean isOver() throws IOException {
        if (!inputEnded) {
            throw new EOFException("the connection was cut: TLS had not ended");
        }
        return true;
    }

    /** Receives more of what the other side sends; returns false if nothing will come. */
    private boolean receivePackets() throws IOException {
        in.compact();
        try {
            MemorySegment free = inLease.segment().asSlice(in.position());
            int count = soon ? plain.receiveSoon(free) : plain.receive(free);
            in.position(in.position() + Math.max(0, count));
            return count != END;
        } finally {
            in.flip();
        }
    }

    /** Sees to what a record has asked for besides its data. */
    private void look(SSLEngineResult result) throws IOException {
        HandshakeStatus status = result.getHandshakeStatus();
        if (status == HandshakeStatus.NOT_HANDSHAKING || status == HandshakeStatus.FINISHED) {
            return;
        }
        if (!engine.getSession().getProtocol().equals(HAS_KEY_UPDATES)) {
            throw new IOException("the other side wants to agree on TLS anew");
        }
        if (status == HandshakeStatus.NEED_TASK) {
            status = runTasks();
        }
        if (status == HandshakeStatus.NEED_WRAP) {
            answerDue = true;
            answer();
        }
    }

    // ---- sending

    @Override
    public void send(MemorySegment source) throws IOException {
        ByteBuffer data = source.asByteBuffer();
        sending.lock();
        try {
            while (data.hasRemaining()) {
                SSLEngineResult result = wrap(data);
                if (result.bytesProduced() == 0
                        && result.getHandshakeStatus() != HandshakeStatus.NEED_TASK) {
                    throw new IOException("TLS has ended, nothing can be sent");
                }
                if (result.getHandshakeStatus() == HandshakeStatus.NEED_TASK) {
                    runTasks();
                }
            }
            sendPackets();
        } finally {
            sending.unlock();
        }
        answer();
    }

    /** Sends what the other side has asked for, unless somebody is sending who then does it. */
    private void answer() throws IOException {
        while (answerDue && sending.tryLock()) {
            try {
                answerDue = false;
                while (engine.getHandshakeStatus() == HandshakeStatus.NEED_WRAP
                        && wrap(NOTHING).bytesProduced() > 0) {
                    sendPackets();
                }
            } finally {
                sending.unlock();
            }
        }
    }

    private SSLEngineResult wrap(ByteBuffer data) throws IOException {
        if (out.remaining() < packetBytes) {
            sendPackets();
        }
        return engine.wrap(data, out);
    }

    private void sendPackets() throws IOException {
        if (out.position() > 0) {
            MemorySegment packets = outLease.segment(out.position());
            out.clear();
            boolean sent = false;
            try {
                plain.send(packets);
                sent = true;
            } finally {
                broken |= !sent;
            }
        }
    }

    // ---- end

    @Override
    public void shutdown() {
        broken = true;
        inputEnded = true;
        plain.shutdown();
    }

    @Override
    public void shutdownInput() {
        inputEnded = true;
        plain.shutdownInput();
    }

    @Override
    public String peer() {
        return plain.peer();
    }

    @Override
    public void close() {
        sending.lock();
        try {
            if (closed) {
                return;
            }
            if (!broken) {
                tellWhy();
            }
            release();
        } finally {
            sending.unlock();
        }
        plain.close();
    }

    private void release() {
        closed = true;
        inLease.close();
        outLease.close();
    }
}
