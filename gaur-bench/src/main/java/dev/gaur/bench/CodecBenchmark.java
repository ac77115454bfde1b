package dev.gaur.bench;

import dev.gaur.codec.ClusterDecoder;
import dev.gaur.codec.ClusterEncoder;
import dev.gaur.codec.CodecProvider;
import dev.gaur.codec.Codecs;
import dev.gaur.codec.Compression;
import dev.gaur.codec.Content;
import dev.gaur.codec.LibZEncoder;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.AuxCounters;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/**
 * One core compressing and decompressing clusters of 64 KiB, of the JDK's class files and machine
 * code. The score is clusters a second: 16 of them are a MiB. Next to our implementations stands
 * what QEMU uses, zlib with a window of 4 KiB.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.Throughput)
@OutputTimeUnit(TimeUnit.SECONDS)
@Fork(value = 1, jvmArgsAppend = "--enable-native-access=ALL-UNNAMED")
@Warmup(iterations = 3, time = 2)
@Measurement(iterations = 5, time = 2)
public class CodecBenchmark {
    private static final int CLUSTER = 65_536;
    private static final int CLUSTERS = 128;
    private static final long SEED = 20261122;

    /** Who compresses, and at which level. */
    public enum Encoding {
        /** What QEMU writes. */
        LIBZ_6,
        /** The default. */
        ISAL_1,
        /** The best of ISA-L. */
        ISAL_3,
        /** The fastest of our own. */
        JAVA_DEFLATE_1,
        /** As short as QEMU's. */
        JAVA_DEFLATE_6,
        /** The shortest. */
        JAVA_DEFLATE_9,
        /** What QEMU writes, with a context that is kept. */
        LIBZSTD_3,
        /** Where there is no libzstd. */
        JAVA_ZSTD_3;

        private ClusterEncoder encoder() {
            return switch (this) {
                case LIBZ_6 -> new LibZEncoder(6);
                case ISAL_1 -> CodecProvider.ISAL.encoder(Compression.DEFLATE, 1);
                case ISAL_3 -> CodecProvider.ISAL.encoder(Compression.DEFLATE, 3);
                case JAVA_DEFLATE_1 -> CodecProvider.JAVA.encoder(Compression.DEFLATE, 1);
                case JAVA_DEFLATE_6 -> CodecProvider.JAVA.encoder(Compression.DEFLATE, 6);
                case JAVA_DEFLATE_9 -> CodecProvider.JAVA.encoder(Compression.DEFLATE, 9);
                case LIBZSTD_3 -> CodecProvider.LIBZSTD.encoder(Compression.ZSTD, 3);
                case JAVA_ZSTD_3 -> CodecProvider.JAVA.encoder(Compression.ZSTD, 3);
            };
        }
    }

    /** Who decompresses. */
    public enum Decoding {
        /** The default. */
        LIBDEFLATE(CodecProvider.LIBDEFLATE, Compression.DEFLATE),
        /** As fast as the zlib that QEMU uses: it is zlib. */
        JDK_INFLATER(CodecProvider.JAVA, Compression.DEFLATE),
        /** What QEMU uses. */
        LIBZSTD(CodecProvider.LIBZSTD, Compression.ZSTD),
        /** Where there is no libzstd. */
        JAVA_ZSTD(CodecProvider.JAVA, Compression.ZSTD);

        private final CodecProvider provider;
        private final Compression compression;

        Decoding(CodecProvider provider, Compression compression) {
            this.provider = provider;
            this.compression = compression;
        }
    }

    /** An encoder and what it compresses. */
    @State(Scope.Thread)
    public static class Compressing {
        /** Who compresses. */
        @Param public Encoding encoding = Encoding.ISAL_1;

        private final Arena arena = Arena.ofShared();
        private final MemorySegment[] clusters = clusters(arena);
        private final MemorySegment target = arena.allocate(CLUSTER);
        private ClusterEncoder encoder = Codecs.encoder(Compression.DEFLATE);
        private int next;

        /** Makes the encoder. */
        @Setup
        public void open() {
            encoder.close();
            encoder = encoding.encoder();
        }

        /** Closes it. */
        @TearDown
        public void close() {
            encoder.close();
            arena.close();
        }
    }

    /** A decoder and what it decompresses. */
    @State(Scope.Thread)
    public static class Decompressing {
        /** Who decompresses. */
        @Param public Decoding decoding = Decoding.LIBDEFLATE;

        private final Arena arena = Arena.ofShared();
        private final List<MemorySegment> packed = new ArrayList<>();
        private final MemorySegment target = arena.allocate(CLUSTER);
        private ClusterDecoder decoder = Codecs.decoder(Compression.DEFLATE);
        private int next;

        /** Makes the decoder and compresses its input as QEMU would. */
        @Setup
        public void open() {
            decoder.close();
            decoder = decoding.provider.decoder(decoding.compression);
            int level = decoding.compression == Compression.DEFLATE ? 6 : 3;
            try (ClusterEncoder encoder = Codecs.encoder(decoding.compression, level)) {
                for (MemorySegment cluster : clusters(arena)) {
                    int length = encoder.encode(cluster, target);
                    if (length > 0) {
                        packed.add(arena.allocate(length).copyFrom(target.asSlice(0, length)));
                    }
                }
            }
        }

        /** Closes it. */
        @TearDown
        public void close() {
            decoder.close();
            arena.close();
        }
    }

    /** Bytes in and out, as a rate each; their quotient is the ratio. */
    @AuxCounters
    @State(Scope.Thread)
    public static class Volume {
        /** Plain bytes. */
        public long plain;

        /** Compressed bytes. */
        public long packed;

        /** Starts an iteration. */
        @Setup(Level.Iteration)
        public void reset() {
            plain = 0;
            packed = 0;
        }
    }

    private static MemorySegment[] clusters(Arena arena) {
        MemorySegment[] clusters = new MemorySegment[CLUSTERS];
        for (int i = 0; i < CLUSTERS; i++) {
            Content content = i % 2 == 0 ? Content.CLASSES : Content.MACHINE_CODE;
            byte[] bytes = content.cluster(CLUSTER, SEED + i);
            clusters[i] = arena.allocateFrom(ValueLayout.JAVA_BYTE, bytes);
        }
        return clusters;
    }

    /** Compresses one cluster. */
    @Benchmark
    public int compress(Compressing state, Volume volume) {
        MemorySegment cluster = state.clusters[state.next++ % CLUSTERS];
        int length = state.encoder.encode(cluster, state.target);
        volume.plain += CLUSTER;
        volume.packed += length < 0 ? CLUSTER : length;
        return length;
    }

    /** Decompresses one cluster. */
    @Benchmark
    public boolean decompress(Decompressing state, Volume volume) {
        MemorySegment packed = state.packed.get(state.next++ % state.packed.size());
        volume.plain += CLUSTER;
        volume.packed += packed.byteSize();
        return state.decoder.decode(packed, state.target);
    }
}
