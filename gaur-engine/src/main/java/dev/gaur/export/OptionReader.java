package dev.gaur.export;

import dev.gaur.nbd.Nbd;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;

/**
 * The data of an option, read from its start. What is not there reads as zero or empty, and makes
 * the whole unsound.
 */
final class OptionReader {
    private final ByteBuffer data;
    private boolean sound = true;

    OptionReader(byte[] data) {
        this.data = ByteBuffer.wrap(data);
    }

    /** Tells whether all that was read was there. */
    boolean isSound() {
        return sound;
    }

    /** Tells whether all was read. */
    boolean isEmpty() {
        return !data.hasRemaining();
    }

    private boolean has(long count) {
        sound &= count <= data.remaining();
        return sound;
    }

    int u16() {
        return has(Short.BYTES) ? Short.toUnsignedInt(data.getShort()) : 0;
    }

    long u32() {
        return has(Integer.BYTES) ? Integer.toUnsignedLong(data.getInt()) : 0;
    }

    /** Reads a string behind its length. */
    String text() {
        long length = u32();
        sound &= length <= Nbd.STRING_MAX;
        if (!has(length)) {
            return "";
        }
        byte[] bytes = new byte[(int) length];
        data.get(bytes);
        return new String(bytes, StandardCharsets.UTF_8);
    }

    /** Reads all that is left as a string. */
    String rest() {
        byte[] bytes = new byte[data.remaining()];
        data.get(bytes);
        return new String(bytes, StandardCharsets.UTF_8);
    }
}
