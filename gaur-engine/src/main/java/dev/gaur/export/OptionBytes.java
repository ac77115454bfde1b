package dev.gaur.export;

import dev.gaur.nbd.Nbd;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;

/** The data of replies to options. */
final class OptionBytes {
    private OptionBytes() {}

    static byte[] u32(int value) {
        return ByteBuffer.allocate(Integer.BYTES).putInt(value).array();
    }

    /** A text that the client asked for. */
    static byte[] text(int info, String text) {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        return ByteBuffer.allocate(Short.BYTES + bytes.length)
                .putShort((short) info)
                .put(bytes)
                .array();
    }

    /** What requests should look like, in bytes. */
    static byte[] blockSizes(int least, int preferred, int most) {
        return ByteBuffer.allocate(Short.BYTES + 3 * Integer.BYTES)
                .putShort((short) Nbd.INFO_BLOCK_SIZE)
                .putInt(least)
                .putInt(preferred)
                .putInt(most)
                .array();
    }

    /** How large an export is and what it can do. */
    static byte[] export(long size, int flags) {
        return ByteBuffer.allocate(2 * Short.BYTES + Long.BYTES)
                .putShort((short) Nbd.INFO_EXPORT)
                .putLong(size)
                .putShort((short) flags)
                .array();
    }
}
