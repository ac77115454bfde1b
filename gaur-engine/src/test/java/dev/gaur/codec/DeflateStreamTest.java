package dev.gaur.codec;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gaur.codec.Implementations.Decoding;
import dev.gaur.codec.Implementations.Encoding;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.List;
import java.util.function.Supplier;
import java.util.zip.Deflater;
import org.junit.jupiter.api.Test;

/** The rules of qcow2's deflate streams, beyond what every reader of deflate checks. */
final class DeflateStreamTest {

    private static final int WINDOW = 4096;
    private static final int CLUSTER = 65_536;

    private final long seed = Long.getLong("gaur.seed", 20261122L);

    @Test
    void noEncoderReachesFartherBackThanQemusWindow() {
        int[] levels = {1, 2, 3, 4, 5, 6, 7, 8, 9};
        for (Encoding encoding : Implementations.encodings(Compression.DEFLATE, levels)) {
            for (Content content : Content.values()) {
                byte[] stream = encode(encoding, content.cluster(CLUSTER, seed));
                if (stream.length > 0) {
                    DeflateWalker.Findings findings = DeflateWalker.walk(stream);
                    String message = "%s, %s, seed %d".formatted(encoding, content, seed);
                    assertTrue(findings.maxDistance() <= WINDOW, message + ": " + findings);
                    assertEquals(CLUSTER, findings.uncompressedSize(), message);
                    assertEquals(stream.length, findings.compressedSize(), message);
                }
            }
        }
    }

    @Test
    void ourOwnEncoderUsesTheWholeWindow() {
        for (int level = 1; level <= 9; level++) {
            byte[] cluster = Content.REPEATED_AT_4096.cluster(CLUSTER, seed);
            var encoder = new Encoding("", CodecProvider.JAVA, maker(level));
            assertEquals(WINDOW, DeflateWalker.walk(encode(encoder, cluster)).maxDistance());
        }
    }

    /** So the test of the window can fail. */
    @Test
    void theWalkerSeesThatTheJdksDeflaterReachesFarther() {
        byte[] stream = jdkDeflate(Content.REPEATED_AT_20000.cluster(CLUSTER, seed));
        assertEquals(20_000, DeflateWalker.walk(stream).maxDistance());
    }

    @Test
    void distancesOf32KilobytesAreRead() {
        byte[] cluster = Content.REPEATED_AT_20000.cluster(CLUSTER, seed);
        byte[] stream = jdkDeflate(cluster);
        for (Decoding decoding : Implementations.decodings(Compression.DEFLATE)) {
            assertArrayEquals(cluster, decode(decoding, stream, cluster.length), decoding.name());
        }
    }

    @Test
    void aStreamThatIsLongerThanTheClusterFillsIt() {
        for (Content content : List.of(Content.CLASSES, Content.ZERO, Content.NOISE)) {
            byte[] longer = content.cluster(CLUSTER, seed);
            byte[] stream = jdkDeflate(longer);
            for (Decoding decoding : Implementations.decodings(Compression.DEFLATE)) {
                byte[] expected = Arrays.copyOf(longer, 4096);
                assertArrayEquals(
                        expected, decode(decoding, stream, 4096), decoding + " " + content);
            }
        }
    }

    @Test
    void aStreamWithoutItsEndFillsTheCluster() {
        byte[] cluster = Content.NOISE.cluster(512, seed);
        byte[] stream = new byte[5 + cluster.length];
        stream[1] = 0; // a stored block of 512 bytes, not the last one, and nothing after it
        stream[2] = 2;
        stream[3] = (byte) 0xff;
        stream[4] = (byte) 0xfd;
        System.arraycopy(cluster, 0, stream, 5, cluster.length);
        for (Decoding decoding : Implementations.decodings(Compression.DEFLATE)) {
            assertArrayEquals(cluster, decode(decoding, stream, 512), decoding.name());
        }
    }

    @Test
    void aStreamThatIsShorterThanTheClusterIsRefused() {
        byte[] stream = jdkDeflate(Content.CLASSES.cluster(4095, seed));
        for (Decoding decoding : Implementations.decodings(Compression.DEFLATE)) {
            assertEquals(0, decode(decoding, stream, 4096).length, decoding.name());
            assertEquals(0, decode(decoding, new byte[0], 4096).length, decoding.name());
        }
    }

    @Test
    void aDecoderIsOfUseAfterDamage() {
        byte[] cluster = Content.CLASSES.cluster(4096, seed);
        byte[] stream = jdkDeflate(cluster);
        byte[] damaged = stream.clone();
        damaged[0] |= 6;
        for (Decoding decoding : Implementations.decodings(Compression.DEFLATE)) {
            try (Arena arena = Arena.ofConfined();
                    ClusterDecoder decoder = decoding.maker().get()) {
                MemorySegment target = arena.allocate(cluster.length);
                MemorySegment bad = arena.allocateFrom(ValueLayout.JAVA_BYTE, damaged);
                MemorySegment good = arena.allocateFrom(ValueLayout.JAVA_BYTE, stream);
                assertFalse(decoder.decode(bad, target), decoding.name());
                assertTrue(decoder.decode(good, target), decoding.name());
                assertArrayEquals(cluster, target.toArray(ValueLayout.JAVA_BYTE));
            }
        }
    }

    private static Supplier<ClusterEncoder> maker(int level) {
        return () -> CodecProvider.JAVA.encoder(Compression.DEFLATE, level);
    }

    private static byte[] encode(Encoding encoding, byte[] bytes) {
        try (Arena arena = Arena.ofConfined();
                ClusterEncoder encoder = encoding.maker().get()) {
            MemorySegment target = arena.allocate(bytes.length);
            int length = encoder.encode(arena.allocateFrom(ValueLayout.JAVA_BYTE, bytes), target);
            return Arrays.copyOf(target.toArray(ValueLayout.JAVA_BYTE), Math.max(length, 0));
        }
    }

    /** The cluster, or no bytes if the stream was refused. */
    private static byte[] decode(Decoding decoding, byte[] stream, int size) {
        try (Arena arena = Arena.ofConfined();
                ClusterDecoder decoder = decoding.maker().get()) {
            MemorySegment source = arena.allocateFrom(ValueLayout.JAVA_BYTE, stream);
            MemorySegment target = arena.allocate(size);
            boolean filled = decoder.decode(source, target);
            return filled ? target.toArray(ValueLayout.JAVA_BYTE) : new byte[0];
        }
    }

    /** With its window of 32 KiB. */
    private static byte[] jdkDeflate(byte[] bytes) {
        try (var deflater = new Deflater(Deflater.DEFAULT_COMPRESSION, true)) {
            deflater.setInput(bytes);
            deflater.finish();
            byte[] stream = new byte[bytes.length + 1000];
            int length = deflater.deflate(stream);
            return Arrays.copyOf(stream, length);
        }
    }
}
