package dev.gaur.graph;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gaur.block.BlockException;
import dev.gaur.block.PendingRequest;
import dev.gaur.storage.CacheMode;
import dev.gaur.storage.StorageOptions;
import dev.gaur.storage.file.FileDriver;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Writes are begun only where nothing else has to become of them. */
class BegunWriteOptionsTest {
    private static final int PIECE = 4096;

    @TempDir Path folder;
    private Path path;

    @BeforeEach
    void create() {
        path = folder.resolve("disk.raw");
        FileDriver.fast().create(path.toString(), 1 << 20, StorageOptions.WRITE).close();
    }

    private boolean begins(String options, CacheMode mode, boolean writable) {
        OpenRequest request = OpenRequest.READ.withWritable(writable).withCache(mode);
        String location = "driver=raw,file.filename=" + path + options;
        try (BlockDevice disk = ChainOpener.open(location, request.withImageOpts(true));
                Arena arena = Arena.ofConfined()) {
            MemorySegment source = arena.allocate(PIECE, PIECE);
            assertThrows(
                    IndexOutOfBoundsException.class,
                    () -> disk.beginWrite((1 << 20) - PIECE + 512, source));
            PendingRequest write = disk.beginWrite(0, source);
            if (write != null) {
                write.finish();
            }
            return write != null;
        }
    }

    @Test
    void pastThePageCacheUnlessEachIsStableOrLookedAt() {
        assertEquals(true, begins("", CacheMode.NONE, true));
        assertEquals(true, begins(",offset=512k,size=64k", CacheMode.NONE, true));
        assertEquals(false, begins("", CacheMode.WRITEBACK, true));
        assertEquals(false, begins("", CacheMode.DIRECTSYNC, true));
        assertEquals(false, begins(",detect-zeroes=on", CacheMode.NONE, true));
    }

    @Test
    void notWhereNothingMayBeWritten() {
        assertThrows(BlockException.Denied.class, () -> begins("", CacheMode.NONE, false));
    }

    /** Somebody has to look at the first sector. */
    @Test
    void notWhereNobodySaidWhatItIs() {
        OpenRequest request = OpenRequest.READ.withWritable(true).withCache(CacheMode.NONE);
        try (BlockDevice disk = ChainOpener.open(path.toString(), request);
                Arena arena = Arena.ofConfined()) {
            assertTrue(disk.isGuessedRaw());
            assertNull(disk.beginWrite(0, arena.allocate(PIECE, PIECE)));
        }
    }
}
