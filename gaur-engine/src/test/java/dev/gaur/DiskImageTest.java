package dev.gaur;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gaur.block.BlockException;
import dev.gaur.block.Durability;
import dev.gaur.block.StorageNode;
import dev.gaur.format.CheckListener;
import dev.gaur.format.Preallocation;
import dev.gaur.format.qcow2.ImageCreator;
import dev.gaur.format.qcow2.Qcow2CreateOptions;
import dev.gaur.mem.BufferPool;
import dev.gaur.storage.file.FileDriver;
import dev.gaur.testkit.TestBytes;
import java.io.IOException;
import java.io.InputStream;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.NonWritableChannelException;
import java.nio.channels.SeekableByteChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The library's front door, with a raw image behind it. */
class DiskImageTest {
    private static final int SIZE = 300 * 512;

    @TempDir Path folder = Path.of("");
    private final byte[] content = TestBytes.patchy(new Random(1), SIZE);

    private Path file() throws IOException {
        return Files.write(folder.resolve("disk.img"), content);
    }

    private DiskImage open() throws IOException {
        return Gaur.open(file());
    }

    @Test
    void infoSaysWhatTheImageIs() throws Exception {
        try (DiskImage disk = open()) {
            assertEquals("raw", disk.info().format());
            assertEquals(SIZE, disk.size());
            assertEquals(1, disk.layers().size());
            assertEquals(disk.info(), disk.layers().getFirst());
        }
    }

    @Test
    void aNameWithAColonIsStillAName() throws Exception {
        Path odd = Path.of("a:b.img");
        try {
            Files.write(odd, new byte[512]);
            Gaur.open(odd).close();
        } finally {
            Files.deleteIfExists(odd);
        }
    }

    @Test
    void extentsCoverTheDisk() throws Exception {
        AtomicLong covered = new AtomicLong();
        try (DiskImage disk = open()) {
            disk.extents(extent -> covered.addAndGet(extent.length()) > 0);
        }
        assertEquals(SIZE, covered.get());
    }

    @Test
    void aChannelReadsFromItsPositionToTheEnd() throws Exception {
        try (DiskImage disk = open();
                SeekableByteChannel channel = disk.channel()) {
            assertEquals(SIZE, channel.size());
            ByteBuffer buffer = ByteBuffer.allocate(1000).position(10);
            assertEquals(990, channel.position(SIZE - 1200L).read(buffer));
            assertArrayEquals(
                    Arrays.copyOfRange(content, SIZE - 1200, SIZE - 210),
                    Arrays.copyOfRange(buffer.array(), 10, 1000));
            assertEquals(SIZE - 210L, channel.position());
            assertEquals(210, channel.read(BufferPool.allocate(500).asByteBuffer()));
            assertEquals(-1, channel.read(ByteBuffer.allocate(1)));
            assertEquals(-1, channel.position(SIZE * 2L).read(ByteBuffer.allocate(1)));
            assertEquals(0, channel.read(ByteBuffer.allocate(0)));
        }
    }

    @Test
    void aChannelOverAnImageOpenedForReadingCannotWrite() throws Exception {
        try (DiskImage disk = open();
                SeekableByteChannel channel = disk.channel()) {
            assertThrows(
                    NonWritableChannelException.class, () -> channel.write(ByteBuffer.allocate(1)));
            assertThrows(NonWritableChannelException.class, () -> channel.truncate(0));
        }
    }

    @Test
    void aChannelOverARawImageOpenedForWritingWritesButNeverGrowsTheDisk() throws Exception {
        try (DiskImage disk = Gaur.open(file(), OpenOptions.DEFAULT.withWritable(true));
                SeekableByteChannel channel = disk.channel()) {
            ByteBuffer source = ByteBuffer.wrap(new byte[] {1, 2, 3});
            assertEquals(2, channel.position(SIZE - 2L).write(source));
            assertEquals(1, source.remaining());
            assertThrows(IOException.class, () -> channel.write(source));
            assertThrows(IOException.class, () -> channel.truncate(0));
        }
        byte[] written = Files.readAllBytes(folder.resolve("disk.img"));
        assertEquals(SIZE, written.length);
        assertArrayEquals(new byte[] {1, 2}, Arrays.copyOfRange(written, SIZE - 2, SIZE));
    }

    @Test
    void closingAChannelLeavesTheImageOpen() throws Exception {
        try (DiskImage disk = open()) {
            SeekableByteChannel channel = disk.channel();
            channel.close();
            assertFalse(channel.isOpen());
            assertThrows(ClosedChannelException.class, channel::size);
            assertEquals(SIZE, disk.channel().size());
        }
    }

    @Test
    void aFailureOfTheImageReachesAChannelAsAnIoExceptionWithItsCause() throws Exception {
        DiskImage disk = open();
        SeekableByteChannel channel = disk.channel();
        disk.close();
        IOException failure =
                assertThrows(IOException.class, () -> channel.read(ByteBuffer.allocate(1)));
        assertTrue(failure.getCause() instanceof BlockException, failure.toString());
    }

    @Test
    void aStreamIsTheBytesOfItsRange() throws Exception {
        try (DiskImage disk = open();
                InputStream all = disk.inputStream(0, SIZE);
                InputStream part = disk.inputStream(1000, 70_000)) {
            assertArrayEquals(content, all.readAllBytes());
            assertEquals(Byte.toUnsignedInt(content[1000]), part.read());
            part.skipNBytes(66_000);
            assertArrayEquals(Arrays.copyOfRange(content, 67_001, 71_000), part.readAllBytes());
            assertEquals(-1, part.read());
        }
    }

    @Test
    void aStreamMustLieWithinTheDisk() throws Exception {
        try (DiskImage disk = open()) {
            assertThrows(IndexOutOfBoundsException.class, () -> disk.inputStream(SIZE - 511L, 512));
        }
    }

    private Path qcow2() {
        Path path = folder.resolve("disk.qcow2");
        try (StorageNode file = FileDriver.fast().create(path.toString(), 0)) {
            ImageCreator.create(file, Optional.empty(), Qcow2CreateOptions.ofSize(1 << 20));
        }
        return path;
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void aQcow2ImageOpenForWritingTakesWritesAndIsSound(boolean direct) throws Exception {
        Path path = qcow2();
        OpenOptions options = OpenOptions.DEFAULT.withWritable(true).withDirect(direct);
        try (DiskImage disk = Gaur.open(path, options);
                SeekableByteChannel channel = disk.channel()) {
            assertTrue(disk.writable());
            channel.position(1000).write(ByteBuffer.wrap(content));
            byte[] more = Arrays.copyOf(content, 65536);
            disk.compressing().orElseThrow().writeCompressed(8L << 16, MemorySegment.ofArray(more));
            disk.io().discard(7L << 16, 65536);
            assertTrue(disk.check(CheckListener.NONE).orElseThrow().isClean());
            disk.io().write(0, MemorySegment.ofArray(new byte[] {5}), Durability.STABLE);
            assertTrue(disk.check(CheckListener.NONE).orElseThrow().isClean());
        }
        OpenOptions reading = OpenOptions.DEFAULT.withDirect(direct);
        try (DiskImage disk = Gaur.open(path, reading);
                InputStream stream = disk.inputStream(0, 1000 + SIZE)) {
            assertEquals(5, stream.read());
            stream.skipNBytes(999);
            assertArrayEquals(content, stream.readAllBytes());
            assertFalse(disk.writable());
            assertEquals(Optional.empty(), disk.compressing());
            assertEquals(Optional.empty(), disk.resizing());
            assertEquals(Optional.empty(), disk.snapshots());
        }
    }

    @Test
    void aRawImageHasNoCheckButCanGrow() throws Exception {
        try (DiskImage disk = Gaur.open(file(), OpenOptions.DEFAULT.withWritable(true))) {
            assertEquals(Optional.empty(), disk.check(CheckListener.NONE));
            disk.resizing().orElseThrow().resize(SIZE * 2L, Preallocation.OFF);
            assertEquals(SIZE * 2L, disk.size());
            disk.flush();
        }
    }

    @Test
    void cachesOfNegativeSizesAreRefused() {
        OpenOptions options = OpenOptions.DEFAULT;

        assertEquals(options, options.withCowCacheBytes(-1).withMetadataCacheBytes(-1)); // AUTO
        assertThrows(IllegalArgumentException.class, () -> options.withCowCacheBytes(-5));
        assertThrows(IllegalArgumentException.class, () -> options.withMetadataCacheBytes(-2));
    }
}
