package dev.gaur.codec;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gaur.codec.Implementations.Decoding;
import dev.gaur.codec.Implementations.Encoding;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** What each encoder writes, each decoder reads; in all sizes of clusters and for all contents. */
final class CodecRoundTripTest {

    private static final int LARGEST = 2 << 20;

    /** Up to this size, all contents; above it, those that tell sizes apart. */
    private static final int COMMON = 64 << 10;

    private static final int SECTOR = 512;

    private static final Set<Content> LARGE =
            EnumSet.of(Content.ZERO, Content.NOISE, Content.PATCHY, Content.CLASSES);

    private final long seed = Long.getLong("gaur.seed", 20261122L);

    @ParameterizedTest
    @EnumSource(Compression.class)
    void everyDecoderReadsEveryEncoder(Compression compression) {
        for (int size = SECTOR; size <= LARGEST; size *= 2) {
            for (Encoding encoding : encodings(compression)) {
                roundTrips(compression, encoding, size);
            }
        }
    }

    @ParameterizedTest
    @EnumSource(Compression.class)
    void manySmallClustersOfOneEncoderDecode(Compression compression) {
        var random = new Random(seed);
        List<Decoding> decodings = Implementations.decodings(compression);
        for (Encoding encoding : encodings(compression)) {
            try (Arena arena = Arena.ofConfined();
                    ClusterEncoder encoder = encoding.maker().get()) {
                MemorySegment source = arena.allocate(4096);
                MemorySegment packed = arena.allocate(4096);
                for (int i = 0; i < 500; i++) {
                    Content content = Content.values()[random.nextInt(Content.values().length)];
                    byte[] bytes = content.cluster(4096, random.nextLong());
                    MemorySegment.copy(bytes, 0, source, ValueLayout.JAVA_BYTE, 0, bytes.length);
                    int length = encoder.encode(source, packed);
                    Decoding decoding = decodings.get(i % decodings.size());
                    String message = "%s, %s, seed %d".formatted(encoding, content, seed);
                    if (length >= 0) {
                        assertDecodes(decoding, packed.asSlice(0, length), bytes, message);
                    }
                }
            }
        }
    }

    @ParameterizedTest
    @EnumSource(Compression.class)
    void outputDoesNotDependOnWhatWasEncodedBefore(Compression compression) {
        for (Encoding encoding : encodings(compression)) {
            byte[] bytes = Content.CLASSES.cluster(65_536, seed);
            byte[] first = encodeAfter(encoding, bytes, Content.ZERO);
            byte[] second = encodeAfter(encoding, bytes, Content.CLASSES);
            assertArrayEquals(first, second, "%s, seed %d".formatted(encoding, seed));
        }
    }

    @ParameterizedTest
    @EnumSource(Compression.class)
    void outputThatSavesNothingIsRefused(Compression compression) {
        for (Encoding encoding : encodings(compression)) {
            for (int size = SECTOR; size <= LARGEST; size *= 2) {
                byte[] bytes = Content.NOISE.cluster(size, seed);
                assertEquals(-1, encode(encoding, bytes, 2 * size), encoding + ", size " + size);
            }
        }
    }

    @ParameterizedTest
    @EnumSource(Compression.class)
    void outputNeverExceedsASmallTarget(Compression compression) {
        for (Encoding encoding : encodings(compression)) {
            byte[] bytes = Content.CLASSES.cluster(16_384, seed);
            int length = encode(encoding, bytes, bytes.length);
            assertTrue(length > 100, encoding + " does not compress class files, seed " + seed);
            assertEquals(length, encode(encoding, bytes, length + 64), encoding.name());
            for (int room : new int[] {0, 1, 2, 7, 8, 9, length / 2, length - 9, length - 1}) {
                assertEquals(-1, encode(encoding, bytes, room), encoding + ", room " + room);
            }
        }
    }

    @ParameterizedTest
    @EnumSource(Compression.class)
    void everyLevelWorks(Compression compression) {
        byte[] bytes = Content.CLASSES.cluster(COMMON, seed);
        int[] levels = IntStream.rangeClosed(1, compression.maxLevel()).toArray();
        for (Encoding encoding : Implementations.encodings(compression, levels)) {
            int length = encode(encoding, bytes, bytes.length);
            assertTrue(length > 0, "%s, seed %d".formatted(encoding, seed));
        }
    }

    @Test
    void levelsOutsideTheRangeAreRefused() {
        for (Compression compression : Compression.values()) {
            for (int level : new int[] {-1, 0, compression.maxLevel() + 1}) {
                assertThrows(
                        IllegalArgumentException.class, () -> Codecs.encoder(compression, level));
            }
        }
    }

    private static List<Encoding> encodings(Compression compression) {
        return switch (compression) {
            case DEFLATE -> Implementations.encodings(compression, 1, 2, 3, 6, 9);
            case ZSTD -> Implementations.encodings(compression, 1, 3, 9);
        };
    }

    private void roundTrips(Compression compression, Encoding encoding, int size) {
        try (Arena arena = Arena.ofConfined();
                ClusterEncoder encoder = encoding.maker().get()) {
            MemorySegment source = arena.allocate(size);
            var target = new GuardedBuffer(arena, size);
            for (Content content : size <= COMMON ? EnumSet.allOf(Content.class) : LARGE) {
                byte[] bytes = content.cluster(size, seed);
                MemorySegment.copy(bytes, 0, source, ValueLayout.JAVA_BYTE, 0, size);
                MemorySegment room = target.prefix(size);
                int length = encoder.encode(source, room);
                String message = "%s, %d of %s, seed %d".formatted(encoding, size, content, seed);
                target.assertUntouchedOutside(room, message);
                assertArrayEquals(bytes, source.toArray(ValueLayout.JAVA_BYTE), message);
                assertTrue(length >= -1 && length < size, message + ": length " + length);
                assertTrue(content != Content.NOISE || length == -1, message);
                assertTrue(content != Content.ZERO || length > 0, message);
                if (length > 0) {
                    for (Decoding decoding : Implementations.decodings(compression)) {
                        assertDecodes(decoding, room.asSlice(0, length), bytes, message);
                    }
                }
            }
        }
    }

    private static void assertDecodes(
            Decoding decoding, MemorySegment packed, byte[] expected, String message) {
        String all = message + ", read by " + decoding;
        try (Arena arena = Arena.ofConfined();
                ClusterDecoder decoder = decoding.maker().get()) {
            var target = new GuardedBuffer(arena, expected.length);
            MemorySegment cluster = target.prefix(expected.length);
            MemorySegment exact = arena.allocate(packed.byteSize()).copyFrom(packed);
            assertTrue(decoder.decode(exact, cluster), all);
            assertArrayEquals(expected, cluster.toArray(ValueLayout.JAVA_BYTE), all);
            target.assertUntouchedOutside(cluster, all);
            cluster.fill((byte) 0);
            assertTrue(decoder.decode(withUnrelatedBytes(arena, exact), cluster), all);
            assertArrayEquals(expected, cluster.toArray(ValueLayout.JAVA_BYTE), all);
        }
    }

    /** As in an image: up to the end of the sector there may be the next compressed cluster. */
    private static MemorySegment withUnrelatedBytes(Arena arena, MemorySegment packed) {
        long size = packed.byteSize() + SECTOR - packed.byteSize() % SECTOR;
        MemorySegment longer = arena.allocate(size).fill((byte) 0xb7);
        longer.asSlice(0, packed.byteSize()).copyFrom(packed);
        return longer;
    }

    private int encode(Encoding encoding, byte[] bytes, int room) {
        try (Arena arena = Arena.ofConfined();
                ClusterEncoder encoder = encoding.maker().get()) {
            MemorySegment source = arena.allocate(bytes.length);
            MemorySegment.copy(bytes, 0, source, ValueLayout.JAVA_BYTE, 0, bytes.length);
            var target = new GuardedBuffer(arena, room);
            MemorySegment prefix = target.prefix(room);
            int length = encoder.encode(source, prefix);
            target.assertUntouchedOutside(prefix, encoding + ", room " + room + ", seed " + seed);
            return length;
        }
    }

    private byte[] encodeAfter(Encoding encoding, byte[] bytes, Content before) {
        try (Arena arena = Arena.ofConfined();
                ClusterEncoder encoder = encoding.maker().get()) {
            MemorySegment source = arena.allocate(bytes.length);
            MemorySegment target = arena.allocate(bytes.length);
            byte[] other = before.cluster(bytes.length, seed + 1);
            MemorySegment.copy(other, 0, source, ValueLayout.JAVA_BYTE, 0, other.length);
            encoder.encode(source, target);
            MemorySegment.copy(bytes, 0, source, ValueLayout.JAVA_BYTE, 0, bytes.length);
            int length = encoder.encode(source, target);
            return Arrays.copyOf(target.toArray(ValueLayout.JAVA_BYTE), length);
        }
    }
}
