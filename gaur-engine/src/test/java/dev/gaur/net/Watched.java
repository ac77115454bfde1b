package dev.gaur.net;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;

/** Keeps what was sent, and damages it if told to. For one sender. */
final class Watched implements Transport {
    private final Transport inner;
    private final StringBuilder sent = new StringBuilder();
    private boolean damage;

    Watched(Transport inner) {
        this.inner = inner;
    }

    /** From now on, one bit of each message is another one. */
    void damage() {
        damage = true;
    }

    /** Returns all that was sent, a character for each byte. */
    String sent() {
        return sent.toString();
    }

    @Override
    public void send(MemorySegment source) throws IOException {
        byte[] bytes = source.toArray(JAVA_BYTE);
        sent.append(new String(bytes, StandardCharsets.ISO_8859_1));
        if (damage) {
            source.set(JAVA_BYTE, bytes.length - 1, (byte) (bytes[bytes.length - 1] ^ 4));
        }
        inner.send(source);
    }

    @Override
    public int receive(MemorySegment target) throws IOException {
        return inner.receive(target);
    }

    @Override
    public void shutdown() {
        inner.shutdown();
    }

    @Override
    public void shutdownInput() {
        inner.shutdownInput();
    }

    @Override
    public String peer() {
        return inner.peer();
    }

    @Override
    public void close() {
        inner.close();
    }
}
