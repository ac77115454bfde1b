package dev.gaur.codec;

import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.util.zip.DataFormatException;
import java.util.zip.Inflater;

/** Deflate with the JDK's {@link Inflater}. */
final class JdkInflateDecoder implements ClusterDecoder {

    private final Inflater inflater = new Inflater(true);

    @Override
    public boolean decode(MemorySegment source, MemorySegment target) {
        ByteBuffer rest = target.asByteBuffer();
        try {
            inflater.setInput(source.asByteBuffer());
            // The stream's end is not asked for: QEMU is content with a full cluster, so are we.
            while (rest.hasRemaining()) {
                if (inflater.inflate(rest) == 0) {
                    return false;
                }
            }
            return true;
        } catch (DataFormatException _) {
            return false;
        } finally {
            inflater.reset();
        }
    }

    @Override
    public void close() {
        inflater.close();
    }
}
