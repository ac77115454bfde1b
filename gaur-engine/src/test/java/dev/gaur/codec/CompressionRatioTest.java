package dev.gaur.codec;

import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;
import org.junit.jupiter.api.Test;

/** How long the output is for real files, next to that of the zlib and libzstd that QEMU uses. */
final class CompressionRatioTest {

    private static final int CLUSTER = 65_536;
    private static final int CLUSTERS = 100;

    private final long seed = Long.getLong("gaur.seed", 20261122L);

    @Test
    void levelSixIsAsShortAsQemus() {
        double reference = size(new LibZEncoder(6));
        double ours = size(CodecProvider.JAVA.encoder(Compression.DEFLATE, 6));
        assertWithin(0.97, 1.01, ours / reference);
    }

    @Test
    void theDefaultIsAtMostAnEighthLongerThanQemus() {
        double reference = size(new LibZEncoder(6));
        int level = Compression.DEFLATE.defaultLevel();
        double fast = size(CodecProvider.ISAL.encoder(Compression.DEFLATE, level));
        double java = size(CodecProvider.JAVA.encoder(Compression.DEFLATE, level));
        assertWithin(0.97, 1.12, fast / reference);
        assertWithin(0.97, 1.12, java / reference);
    }

    @Test
    void levelsOfOurOwnDeflaterGetBetter() {
        double before = Double.MAX_VALUE;
        for (int level = 1; level <= 9; level++) {
            double size = size(CodecProvider.JAVA.encoder(Compression.DEFLATE, level));
            assertTrue(size <= before, "level " + level + ", seed " + seed);
            before = size;
        }
    }

    @Test
    void zstdInJavaIsAsShortAsQemus() {
        double reference = size(CodecProvider.LIBZSTD.encoder(Compression.ZSTD, 3));
        double ours = size(CodecProvider.JAVA.encoder(Compression.ZSTD, 3));
        assertWithin(0.9, 1.01, ours / reference);
    }

    private void assertWithin(double least, double most, double ratio) {
        assertTrue(ratio >= least && ratio <= most, "ratio " + ratio + ", seed " + seed);
    }

    /** Bytes that clusters of the JDK's own files take. */
    private double size(ClusterEncoder encoder) {
        long size = 0;
        try (Arena arena = Arena.ofConfined();
                encoder) {
            MemorySegment source = arena.allocate(CLUSTER);
            MemorySegment target = arena.allocate(CLUSTER);
            for (Content content : List.of(Content.CLASSES, Content.MACHINE_CODE)) {
                for (int i = 0; i < CLUSTERS; i++) {
                    byte[] bytes = content.cluster(CLUSTER, seed + i);
                    MemorySegment.copy(bytes, 0, source, ValueLayout.JAVA_BYTE, 0, CLUSTER);
                    int length = encoder.encode(source, target);
                    size += length < 0 ? CLUSTER : length;
                }
            }
        }
        return size;
    }
}
