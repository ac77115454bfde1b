package dev.gaur.verify.codec;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gaur.codec.ClusterEncoder;
import dev.gaur.codec.CodecProvider;
import dev.gaur.codec.Compression;
import dev.gaur.codec.Content;
import dev.gaur.verify.Peers;
import java.io.ByteArrayOutputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.zip.CRC32;
import java.util.zip.Deflater;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** QEMU, 7-Zip and a strict zlib read the clusters of each implementation and level. */
final class ForeignReadersTest {

    private static final int CLUSTER = CompressedImage.CLUSTER;

    /**
     * Inflates with a window of 4 KiB and little room for output at a time. Given all room at once,
     * as QEMU gives it, zlib does not enforce its window.
     */
    private static final String STRICT_ZLIB =
            """
            import struct, sys, zlib
            data = open(sys.argv[1], 'rb').read()
            at = 0
            while at < len(data):
                length, crc = struct.unpack_from('>II', data, at)
                at += 8
                inflater = zlib.decompressobj(-12)
                rest = data[at:at + length]
                out = b''
                while not inflater.eof:
                    out += inflater.decompress(rest, 500)
                    rest = inflater.unconsumed_tail
                if zlib.crc32(out) != crc:
                    sys.exit('other data at %d' % at)
                at += length
            print('ok')
            """;

    private final long seed = Long.getLong("gaur.seed", 20261122L);

    @TempDir private Path folder;

    private record Sample(byte[] cluster, byte[] stream) {}

    @ParameterizedTest
    @EnumSource(Compression.class)
    void qemuReadsEveryEncoder(Compression compression) throws IOException {
        List<Sample> samples = samples(compression);
        Path image = folder.resolve("image.qcow2");
        Path raw = folder.resolve("image.raw");
        CompressedImage.create(image, compression, streams(samples));
        Peers.qemuImg("convert", "-f", "qcow2", "-O", "raw", image, raw).ok();
        assertClusters(samples, raw);
    }

    @Test
    void sevenZipReadsEveryDeflateEncoder() throws IOException {
        List<Sample> samples = samples(Compression.DEFLATE);
        Path image = folder.resolve("image.qcow2");
        CompressedImage.create(image, Compression.DEFLATE, streams(samples));
        Peers.run("7zz", "x", "-tqcow", "-o" + folder.resolve("out"), image).ok();
        try (var files = Files.list(folder.resolve("out"))) {
            assertClusters(samples, files.findFirst().orElseThrow());
        }
    }

    @Test
    void zlibWithAWindowOf4KilobytesReadsEveryDeflateEncoder() throws IOException {
        Path file = folder.resolve("streams");
        write(file, samples(Compression.DEFLATE));
        Peers.Result result = Peers.run("python3", "-c", STRICT_ZLIB, file);
        assertEquals("ok", result.ok().text(), "seed " + seed);
    }

    /** So the test before can fail. */
    @Test
    void zlibWithAWindowOf4KilobytesRefusesTheJdksDeflater() throws IOException {
        byte[] cluster = Content.REPEATED_AT_20000.cluster(CLUSTER, seed);
        byte[] stream = new byte[CLUSTER];
        try (var deflater = new Deflater(Deflater.DEFAULT_COMPRESSION, true)) {
            deflater.setInput(cluster);
            deflater.finish();
            stream = Arrays.copyOf(stream, deflater.deflate(stream));
        }
        Path file = folder.resolve("streams");
        write(file, List.of(new Sample(cluster, stream)));
        Peers.Result result = Peers.run("python3", "-c", STRICT_ZLIB, file).exited(1);
        assertTrue(result.err().contains("distance too far back"), result.err());
    }

    private List<Sample> samples(Compression compression) {
        List<Sample> samples = new ArrayList<>();
        for (CodecProvider provider : CodecProvider.values()) {
            for (int level = 1; level <= Math.min(9, compression.maxLevel()); level++) {
                if (provider.encodes(compression, level)) {
                    try (ClusterEncoder encoder = provider.encoder(compression, level)) {
                        addSamples(encoder, samples);
                    }
                }
            }
        }
        return samples;
    }

    private void addSamples(ClusterEncoder encoder, List<Sample> samples) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment source = arena.allocate(CLUSTER);
            MemorySegment target = arena.allocate(CLUSTER);
            for (Content content : Content.values()) {
                byte[] cluster = content.cluster(CLUSTER, seed);
                MemorySegment.copy(cluster, 0, source, ValueLayout.JAVA_BYTE, 0, CLUSTER);
                int length = encoder.encode(source, target);
                if (length > 0) {
                    byte[] stream = target.asSlice(0, length).toArray(ValueLayout.JAVA_BYTE);
                    samples.add(new Sample(cluster, stream));
                }
            }
        }
    }

    private static List<byte[]> streams(List<Sample> samples) {
        return samples.stream().map(Sample::stream).toList();
    }

    private void assertClusters(List<Sample> samples, Path raw) throws IOException {
        var expected = new ByteArrayOutputStream();
        for (Sample sample : samples) {
            expected.write(sample.cluster());
        }
        int different = Arrays.mismatch(expected.toByteArray(), Files.readAllBytes(raw));
        assertEquals(-1, different, "byte, seed " + seed);
    }

    private static void write(Path file, List<Sample> samples) throws IOException {
        try (var out = new DataOutputStream(Files.newOutputStream(file))) {
            for (Sample sample : samples) {
                var crc = new CRC32();
                crc.update(sample.cluster());
                out.writeInt(sample.stream().length);
                out.writeInt((int) crc.getValue());
                out.write(sample.stream());
            }
        }
    }
}
