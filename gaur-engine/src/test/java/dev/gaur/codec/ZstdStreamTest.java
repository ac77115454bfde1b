package dev.gaur.codec;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gaur.codec.Implementations.Decoding;
import dev.gaur.codec.Implementations.Encoding;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import org.junit.jupiter.api.Test;

/** What zstd allows beyond the one plain frame that QEMU writes, and what it can be abused for. */
final class ZstdStreamTest {

    private static final int CLUSTER = 65_536;
    private static final byte[] NONE = {};

    private final long seed = Long.getLong("gaur.seed", 20261122L);

    @Test
    void framesAreWrittenAsQemuWritesThem() {
        for (Encoding encoding : Implementations.encodings(Compression.ZSTD, 1, 3, 19)) {
            byte[] frame = encode(encoding, Content.TEXT.cluster(CLUSTER, seed));
            ByteBuffer head = ByteBuffer.wrap(frame).order(ByteOrder.LITTLE_ENDIAN);
            assertEquals(0xfd2fb528, head.getInt(), encoding.name());
            int descriptor = head.get();
            assertEquals(0x20, descriptor & 0x3f, encoding + ": one segment, nothing else");
            int sizeForm = (descriptor >>> 6) & 3;
            int size = sizeForm == 1 ? (head.getShort() & 0xffff) + 256 : head.getInt();
            assertEquals(CLUSTER, size, encoding.name());
        }
    }

    @Test
    void severalFramesFillOneCluster() throws IOException {
        byte[] cluster = Content.TEXT.cluster(CLUSTER, seed);
        for (Encoding encoding : Implementations.encodings(Compression.ZSTD, 3)) {
            var frames = new ByteArrayOutputStream();
            for (int at = 0; at < CLUSTER; at += CLUSTER / 4) {
                frames.write(encode(encoding, Arrays.copyOfRange(cluster, at, at + CLUSTER / 4)));
            }
            assertAllRead(cluster, frames.toByteArray());
        }
    }

    @Test
    void skippableFramesAreSkipped() throws IOException {
        byte[] cluster = Content.TEXT.cluster(CLUSTER, seed);
        var frames = new ByteArrayOutputStream();
        frames.write(new byte[] {0x53, 0x2a, 0x4d, 0x18, 5, 0, 0, 0, 1, 2, 3, 4, 5});
        frames.write(encode(libzstd(), cluster));
        assertAllRead(cluster, frames.toByteArray());
    }

    @Test
    void aFrameThatIsLongerThanTheClusterIsRefused() {
        assertNoneRead(encode(libzstd(), Content.TEXT.cluster(2 * CLUSTER, seed)));
    }

    @Test
    void aFrameThatIsShorterThanTheClusterIsRefused() {
        assertNoneRead(encode(libzstd(), Content.TEXT.cluster(CLUSTER - 1, seed)));
    }

    @Test
    void aMatchMayNotReachIntoTheFrameBefore() throws IOException {
        var frames = new ByteArrayOutputStream();
        frames.write(rawFrame(0, new byte[CLUSTER - 4]));
        int before = frames.size();
        frames.write(matchFrame(2, 0b100)); // offset 4, so distance 1: inside of its own frame
        assertAllRead(new byte[CLUSTER], frames.toByteArray());
        byte[] reaching = Arrays.copyOf(frames.toByteArray(), before + 17);
        System.arraycopy(matchFrame(5, 0b10_0000), 0, reaching, before, 17); // distance 29
        assertNoneRead(reaching);
    }

    /** A frame of four bytes: the literal zero, and a match three bytes long. */
    private static byte[] matchFrame(int offsetSymbol, int bits) {
        return bytes(
                0x28,
                0xb5,
                0x2f,
                0xfd,
                0,
                0, // a frame with a small window
                (8 << 3) | (2 << 1) | 1,
                0,
                0, // its last block, compressed, 8 bytes long
                1 << 3,
                0, // one literal
                1,
                (1 << 6) | (1 << 4) | (1 << 2),
                1,
                offsetSymbol,
                0,
                bits); // one sequence
    }

    @Test
    void framesOfZstdsPredecessorsAreRefused() {
        byte[] frame = encode(libzstd(), Content.TEXT.cluster(CLUSTER, seed));
        for (int version = 0x22; version <= 0x27; version++) {
            frame[0] = (byte) version;
            assertNoneRead(frame);
        }
    }

    @Test
    void aWrongChecksumIsRefused() {
        byte[] cluster = new byte[CLUSTER];
        // magic, single segment with checksum, 65536 - 256, one last block of 65536 times zero
        byte[] frame = bytes(0x28, 0xb5, 0x2f, 0xfd, 0x64, 0x00, 0xff, 0x03, 0x00, 0x08, 0x00);
        long hash = XxHash64.hash(cluster, 0, CLUSTER);
        byte[] summed = Arrays.copyOf(frame, frame.length + 4);
        ByteBuffer.wrap(summed).order(ByteOrder.LITTLE_ENDIAN).putInt(frame.length, (int) hash);
        assertAllRead(cluster, summed);
        summed[frame.length] ^= 1;
        assertNoneRead(summed);
        assertNoneRead(frame);
    }

    @Test
    void theHashIsXxh64() {
        assertEquals(0xef46db3751d8e999L, XxHash64.hash(NONE, 0, 0));
        assertEquals(0xd24ec4f1a98c6e5bL, XxHash64.hash(bytes('a'), 0, 1));
        assertEquals(0x44bc2cf5ad770999L, XxHash64.hash(bytes('a', 'b', 'c'), 0, 3));
    }

    @Test
    void aHugeWindowCostsNoMemory() throws IOException {
        byte[] piece = Content.NOISE.cluster(4096, seed);
        for (Decoding decoding : Implementations.decodings(Compression.ZSTD)) {
            decode(decoding, rawFrame(0, piece), piece.length); // classes and libraries are loaded
            long before = peakMemory();
            for (int exponent = 0; exponent <= 21; exponent++) {
                byte[] read = decode(decoding, rawFrame(exponent << 3, piece), piece.length);
                assertArrayEquals(piece, read, decoding + ", window 2^" + (10 + exponent));
            }
            for (int exponent = 22; exponent < 32; exponent++) {
                decode(decoding, rawFrame(exponent << 3, piece), piece.length);
            }
            long grown = peakMemory() - before;
            assertTrue(grown < 64 << 20, decoding + " took " + grown + " bytes more");
        }
    }

    @Test
    void aContentSizeThatIsALieIsRefused() {
        byte[] frame = encode(libzstd(), Content.TEXT.cluster(CLUSTER, seed));
        assertEquals(0x60, frame[4], "two bytes of content size");
        frame[5] ^= 1;
        assertNoneRead(frame);
    }

    @Test
    void manyEmptyFramesAreReadInReasonableTime() throws IOException {
        var frames = new ByteArrayOutputStream();
        for (int i = 0; i < 200_000; i++) {
            frames.write(rawFrame(0, NONE));
        }
        assertNoneRead(frames.toByteArray());
    }

    private static Encoding libzstd() {
        return Implementations.encodings(Compression.ZSTD, 3).getFirst();
    }

    private static byte[] bytes(int... values) {
        byte[] bytes = new byte[values.length];
        for (int i = 0; i < values.length; i++) {
            bytes[i] = (byte) values[i];
        }
        return bytes;
    }

    /** A frame with a window, without content size, with one block as it is. */
    private static byte[] rawFrame(int window, byte[] content) {
        ByteBuffer frame = ByteBuffer.allocate(9 + content.length).order(ByteOrder.LITTLE_ENDIAN);
        frame.putInt(0xfd2fb528).put((byte) 0).put((byte) window);
        int head = (content.length << 3) | 1;
        frame.put((byte) head).put((byte) (head >>> 8)).put((byte) (head >>> 16)).put(content);
        return frame.array();
    }

    /** The most address space that this process ever had. */
    private static long peakMemory() throws IOException {
        return Files.readAllLines(Path.of("/proc/self/status")).stream()
                .filter(line -> line.startsWith("VmPeak:"))
                .mapToLong(line -> Long.parseLong(line.replaceAll("\\D", "")) << 10)
                .findFirst()
                .orElseThrow();
    }

    private static void assertAllRead(byte[] expected, byte[] source) {
        for (Decoding decoding : Implementations.decodings(Compression.ZSTD)) {
            assertArrayEquals(expected, decode(decoding, source, CLUSTER), decoding.name());
        }
    }

    private static void assertNoneRead(byte[] source) {
        for (Decoding decoding : Implementations.decodings(Compression.ZSTD)) {
            assertEquals(0, decode(decoding, source, CLUSTER).length, decoding.name());
        }
    }

    private static byte[] encode(Encoding encoding, byte[] bytes) {
        try (Arena arena = Arena.ofConfined();
                ClusterEncoder encoder = encoding.maker().get()) {
            MemorySegment target = arena.allocate(bytes.length);
            int length = encoder.encode(arena.allocateFrom(ValueLayout.JAVA_BYTE, bytes), target);
            return Arrays.copyOf(target.toArray(ValueLayout.JAVA_BYTE), length);
        }
    }

    private static byte[] decode(Decoding decoding, byte[] stream, int size) {
        try (Arena arena = Arena.ofConfined();
                ClusterDecoder decoder = decoding.maker().get()) {
            MemorySegment source = arena.allocateFrom(ValueLayout.JAVA_BYTE, stream);
            MemorySegment target = arena.allocate(size);
            return decoder.decode(source, target) ? target.toArray(ValueLayout.JAVA_BYTE) : NONE;
        }
    }
}
