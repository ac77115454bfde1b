package dev.gaur.verify.oracle;

import dev.gaur.block.BlockIo;
import dev.gaur.block.Extent;
import dev.gaur.verify.zoo.Exhibit;
import dev.gaur.verify.zoo.Peer;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.opentest4j.AssertionFailedError;

/** What QEMU says a disk reads as: a raw file, and comparison with it in random pieces. */
final class Truth implements AutoCloseable {
    /** Up to here a disk is read whole; larger ones where they have data and at random places. */
    private static final long WHOLE_MOST = 64 << 20;

    private static final int PIECE_MOST = 400_000;
    private static final int SAMPLES = 200;

    private final Path raw;
    private final FileChannel channel;

    private Truth(Path raw) {
        this.raw = raw;
        try {
            this.channel = FileChannel.open(raw);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Lets QEMU convert an exhibit to raw; an empty snapshot is the active state. */
    static Truth of(Exhibit exhibit, String snapshot) {
        Path raw = exhibit.folder().resolve("truth.raw");
        List<String> command = new ArrayList<>(List.of("qemu-img", "convert", "-O", "raw"));
        command.addAll(List.of("-f", exhibit.format()));
        if (!snapshot.isEmpty()) {
            command.addAll(List.of("-l", snapshot));
        }
        command.addAll(List.of(exhibit.path().toString(), raw.toString()));
        Peer.run(exhibit.folder(), command).ok();
        return new Truth(raw);
    }

    long length() throws IOException {
        return channel.size();
    }

    /** Reads everything from another reader in pieces of random sizes and order, and compares. */
    void assertReads(BlockIo reader, long seed) throws IOException {
        Random random = new Random(seed);
        if (reader.length() <= WHOLE_MOST) {
            for (long at = 0; at < reader.length(); ) {
                long length = Math.min(pieceLength(random), reader.length() - at);
                compare(reader, at, (int) length, seed);
                at += length;
            }
        } else {
            reader.extents(0, reader.length(), extent -> compareEnds(reader, extent, seed));
        }
        for (int i = 0; i < SAMPLES && reader.length() > 0; i++) {
            long at = random.nextLong(reader.length());
            long length = Math.min(pieceLength(random), reader.length() - at);
            compare(reader, at, (int) length, seed);
        }
    }

    private boolean compareEnds(BlockIo reader, Extent extent, long seed) {
        try {
            int length = (int) Math.min(extent.length(), PIECE_MOST);
            compare(reader, extent.offset(), length, seed);
            compare(reader, extent.end() - length, length, seed);
            return true;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Mostly small, some empty, some larger than any cluster but the largest. */
    private static int pieceLength(Random random) {
        return random.nextInt(1 << (1 + random.nextInt(18))) + random.nextInt(2);
    }

    private void compare(BlockIo reader, long at, int length, long seed) throws IOException {
        byte[] expected = new byte[length];
        ByteBuffer buffer = ByteBuffer.wrap(expected);
        while (buffer.hasRemaining() && channel.read(buffer, at + buffer.position()) > 0) {
            // Goes on until all is there; what the file lacks stays zero.
        }
        byte[] actual = new byte[length];
        boolean inMemory = reader.tryRead(at, MemorySegment.ofArray(actual));
        if (inMemory) {
            assertSame(expected, actual, at, seed, "tryRead");
        }
        reader.read(at, MemorySegment.ofArray(actual));
        assertSame(expected, actual, at, seed, "read");
    }

    private static void assertSame(byte[] expected, byte[] actual, long at, long seed, String how) {
        int mismatch = java.util.Arrays.mismatch(expected, actual);
        if (mismatch >= 0) {
            throw new AssertionFailedError(
                    "%s of %d bytes at 0x%x differs at 0x%x: %02x, not %02x (seed %d)"
                            .formatted(
                                    how,
                                    expected.length,
                                    at,
                                    at + mismatch,
                                    actual[mismatch],
                                    expected[mismatch],
                                    seed));
        }
    }

    @Override
    public void close() {
        try {
            channel.close();
            Files.deleteIfExists(raw);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
