package dev.gaur.graph;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.gaur.DiskImage;
import dev.gaur.Gaur;
import dev.gaur.OpenOptions;
import dev.gaur.block.BlockException;
import dev.gaur.block.Durability;
import dev.gaur.block.StorageNode;
import dev.gaur.format.qcow2.ImageCreator;
import dev.gaur.format.qcow2.Qcow2CreateOptions;
import dev.gaur.storage.CacheMode;
import dev.gaur.storage.StorageOptions;
import dev.gaur.storage.file.FileDriver;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.SeekableByteChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** How much waits in memory can be told wherever an image is opened for writing. */
class CowCacheOptionTest {
    private static final int PIECE = 4096;
    private static final long CHUNK = 1 << 20;

    @TempDir Path folder;
    private Path path;
    private long next; // Where nothing was written yet.

    @BeforeEach
    void create() throws IOException {
        path = Files.createFile(folder.resolve("disk.qcow2"));
        try (StorageNode file = FileDriver.fast().open(path.toString(), StorageOptions.WRITE)) {
            ImageCreator.create(file, Optional.empty(), Qcow2CreateOptions.ofSize(1 << 20));
        }
    }

    /** What is held after a write to the beginning of a cluster. */
    private long held(String options, CacheMode mode) {
        next += 1 << 16;
        OpenRequest request = OpenRequest.READ.withWritable(true).withCache(mode);
        request = request.withImageOpts(true);
        String location = "driver=qcow2,file.filename=" + path + options;
        try (BlockDevice disk = ChainOpener.open(location, request)) {
            disk.write(next, MemorySegment.ofArray(new byte[PIECE]), Durability.CACHED);
            return disk.image().cowUse().orElseThrow().bytes();
        }
    }

    @Test
    void aSizeIsTakenFromTheOptionsOfAnImage() {
        assertEquals(CHUNK, held("", CacheMode.WRITEBACK));
        assertEquals(CHUNK, held(",cow-cache-size=auto", CacheMode.WRITEBACK));
        assertEquals(CHUNK, held(",cow-cache-size=99P", CacheMode.WRITEBACK));
        assertEquals(2 * 65_536, held(",cow-cache-size=128k", CacheMode.WRITEBACK));
        assertEquals(0, held(",cow-cache-size=0", CacheMode.WRITEBACK));
        assertThrows(
                BlockException.Unsupported.class,
                () -> held(",cow-cache-size=x", CacheMode.WRITEBACK));
        var tooLarge =
                assertThrows(
                        BlockException.Unsupported.class,
                        () -> held(",cow-cache-size=99999999999999999999", CacheMode.WRITEBACK));
        assertEquals(
                "Value '99999999999999999999' is out of range for parameter 'cow-cache-size'",
                tooLarge.found());
    }

    @Test
    void nothingWaitsWhereEachWriteIsStable() {
        assertEquals(0, held("", CacheMode.WRITETHROUGH));
    }

    @Test
    void thoseWhoUseTheLibrarySayItToo() throws IOException {
        OpenOptions options = OpenOptions.DEFAULT.withWritable(true);
        try (DiskImage disk = Gaur.open(path, options.withCowCacheBytes(0));
                SeekableByteChannel channel = disk.channel()) {
            channel.write(ByteBuffer.allocate(PIECE));
            assertEquals(0, disk.cowUse().orElseThrow().writes());
        }
        try (DiskImage disk = Gaur.open(path, options);
                SeekableByteChannel channel = disk.channel()) {
            channel.position(1 << 19);
            channel.write(ByteBuffer.allocate(PIECE));
            assertEquals(1, disk.cowUse().orElseThrow().writes());
        }
    }
}
