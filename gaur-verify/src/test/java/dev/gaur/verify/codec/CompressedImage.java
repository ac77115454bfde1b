package dev.gaur.verify.codec;

import dev.gaur.codec.Compression;
import dev.gaur.verify.Peers;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;

/**
 * A qcow2 image of compressed clusters, put together by hand in an empty image of qemu-img. Its
 * counts are wrong, which no reader minds.
 */
final class CompressedImage {

    static final int CLUSTER = 65_536;

    private static final int L1_OFFSET_FIELD = 40;
    private static final long COPIED = 1L << 63;
    private static final long COMPRESSED = 1L << 62;
    private static final int SECTORS_SHIFT = 54;
    private static final int SECTOR = 512;

    private CompressedImage() {}

    /** Makes an image whose clusters are the given streams, one after the other. */
    static void create(Path file, Compression compression, List<byte[]> streams)
            throws IOException {
        String options = "cluster_size=64k,compression_type=" + compression.optionValue();
        long size = (long) streams.size() * CLUSTER;
        Peers.qemuImg("create", "-f", "qcow2", "-o", options, file, size).ok();
        try (FileChannel channel =
                FileChannel.open(file, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
            long l1Offset = readLong(channel, L1_OFFSET_FIELD);
            long l2Offset = (channel.size() + CLUSTER - 1) / CLUSTER * CLUSTER;
            ByteBuffer l2 = ByteBuffer.allocate(CLUSTER);
            long at = l2Offset + CLUSTER;
            for (byte[] stream : streams) {
                long moreSectors = (at + stream.length - 1) / SECTOR - at / SECTOR;
                l2.putLong(COMPRESSED | (moreSectors << SECTORS_SHIFT) | at);
                write(channel, ByteBuffer.wrap(stream), at);
                at += stream.length;
            }
            write(channel, l2.clear(), l2Offset);
            ByteBuffer l1 = ByteBuffer.allocate(Long.BYTES).putLong(l2Offset | COPIED);
            write(channel, l1.flip(), l1Offset);
            write(channel, ByteBuffer.allocate(SECTOR), at + CLUSTER); // no read past the end
        }
    }

    private static long readLong(FileChannel channel, long offset) throws IOException {
        ByteBuffer field = ByteBuffer.allocate(Long.BYTES);
        channel.read(field, offset);
        return field.getLong(0);
    }

    private static void write(FileChannel channel, ByteBuffer bytes, long offset)
            throws IOException {
        long at = offset;
        while (bytes.hasRemaining()) {
            at += channel.write(bytes, at);
        }
    }
}
