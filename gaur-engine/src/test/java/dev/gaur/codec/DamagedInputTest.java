package dev.gaur.codec;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gaur.codec.Implementations.Decoding;
import dev.gaur.codec.Implementations.Encoding;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Assertions;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** No input makes a decoder throw, hang, or write outside of the cluster. */
final class DamagedInputTest {

    private static final int CLUSTER = 16_384;
    private static final int ROUNDS = Boolean.getBoolean("gaur.long") ? 100_000 : 3_000;

    private final long seed = Long.getLong("gaur.seed", 20261122L);

    @ParameterizedTest
    @EnumSource(Compression.class)
    void flippedBitsAreSurvived(Compression compression) {
        attack(
                compression,
                (stream, random) -> {
                    byte[] damaged = stream.clone();
                    for (int flips = 1 + random.nextInt(4); flips > 0; flips--) {
                        int head = Math.min(damaged.length, random.nextBoolean() ? 40 : 1 << 20);
                        damaged[random.nextInt(head)] ^= (byte) (1 << random.nextInt(8));
                    }
                    return damaged;
                });
    }

    @ParameterizedTest
    @EnumSource(Compression.class)
    void replacedBytesAreSurvived(Compression compression) {
        attack(
                compression,
                (stream, random) -> {
                    byte[] damaged = stream.clone();
                    int at = random.nextInt(damaged.length);
                    int end = Math.min(damaged.length, at + 1 + random.nextInt(16));
                    byte value = (byte) (random.nextBoolean() ? 0xff : random.nextInt(256));
                    Arrays.fill(damaged, at, end, value);
                    return damaged;
                });
    }

    @ParameterizedTest
    @EnumSource(Compression.class)
    void spliceOfTwoStreamsIsSurvived(Compression compression) {
        List<byte[]> streams = streams(compression);
        attack(
                compression,
                (stream, random) -> {
                    byte[] other = streams.get(random.nextInt(streams.size()));
                    int cut = random.nextInt(stream.length);
                    byte[] both = Arrays.copyOf(stream, cut + other.length);
                    System.arraycopy(other, 0, both, cut, other.length);
                    return both;
                });
    }

    @ParameterizedTest
    @EnumSource(Compression.class)
    void noiseIsSurvived(Compression compression) {
        attack(
                compression,
                (_, random) -> {
                    byte[] noise = new byte[1 + random.nextInt(3000)];
                    random.nextBytes(noise);
                    if (compression == Compression.ZSTD) {
                        byte[] magic = {0x28, (byte) 0xb5, 0x2f, (byte) 0xfd};
                        System.arraycopy(magic, 0, noise, 0, Math.min(4, noise.length));
                    }
                    return noise;
                });
    }

    @ParameterizedTest
    @EnumSource(Compression.class)
    void truncatedStreamsAreRefused(Compression compression) {
        var random = new Random(seed);
        for (Decoding decoding : Implementations.decodings(compression)) {
            try (Arena arena = Arena.ofConfined();
                    ClusterDecoder decoder = decoding.maker().get()) {
                var target = new GuardedBuffer(arena, CLUSTER);
                for (byte[] stream : streams(compression)) {
                    for (int round = 0; round < 50; round++) {
                        // 16 bytes from the end, even a deflate stream has data ahead
                        int cut = random.nextInt(Math.max(1, stream.length - 16));
                        MemorySegment cluster = target.prefix(CLUSTER);
                        boolean filled = decoder.decode(exact(arena, stream, cut), cluster);
                        String message =
                                "%s, cut at %d of %d, seed %d"
                                        .formatted(decoding, cut, stream.length, seed);
                        assertFalse(filled, message);
                        target.assertUntouchedOutside(cluster, message);
                    }
                }
            }
        }
    }

    private interface Damage {
        byte[] apply(byte[] stream, Random random);
    }

    private void attack(Compression compression, Damage damage) {
        List<byte[]> streams = streams(compression);
        for (Decoding decoding : Implementations.decodings(compression)) {
            Assertions.assertTimeout(
                    Duration.ofMinutes(5),
                    () -> attack(decoding, streams, damage),
                    decoding.name());
        }
    }

    private void attack(Decoding decoding, List<byte[]> streams, Damage damage) {
        var random = new Random(seed);
        try (Arena arena = Arena.ofConfined();
                ClusterDecoder decoder = decoding.maker().get()) {
            var target = new GuardedBuffer(arena, CLUSTER);
            for (int round = 0; round < ROUNDS; round++) {
                byte[] stream = streams.get(random.nextInt(streams.size()));
                byte[] damaged = damage.apply(stream, random);
                int size = random.nextInt(8) == 0 ? 1 + random.nextInt(CLUSTER) : CLUSTER;
                MemorySegment cluster = target.prefix(size);
                String message = "%s, round %d, seed %d".formatted(decoding, round, seed);
                try (Arena once = Arena.ofConfined()) {
                    decoder.decode(exact(once, damaged, damaged.length), cluster);
                } catch (RuntimeException e) {
                    throw new AssertionError(message, e);
                }
                target.assertUntouchedOutside(cluster, message);
            }
            byte[] intact = streams.getFirst();
            MemorySegment cluster = target.prefix(CLUSTER);
            boolean filled = decoder.decode(exact(arena, intact, intact.length), cluster);
            assertTrue(filled, decoding + " is of no use after damage, seed " + seed);
        }
    }

    /** A segment of its own, so that tools that watch the heap see a byte read too many. */
    private static MemorySegment exact(Arena arena, byte[] stream, int length) {
        return arena.allocate(length).copyFrom(MemorySegment.ofArray(stream).asSlice(0, length));
    }

    private List<byte[]> streams(Compression compression) {
        List<byte[]> streams = new ArrayList<>();
        for (Encoding encoding : Implementations.encodings(compression, 1, 3, 6, 9)) {
            for (Content content : Content.values()) {
                try (Arena arena = Arena.ofConfined();
                        ClusterEncoder encoder = encoding.maker().get()) {
                    byte[] bytes = content.cluster(CLUSTER, seed);
                    MemorySegment target = arena.allocate(CLUSTER);
                    MemorySegment source = arena.allocateFrom(ValueLayout.JAVA_BYTE, bytes);
                    int length = encoder.encode(source, target);
                    if (length > 0) {
                        streams.add(target.asSlice(0, length).toArray(ValueLayout.JAVA_BYTE));
                    }
                }
            }
        }
        return streams;
    }
}
