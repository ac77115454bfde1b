package dev.gaur.storage.file;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gaur.block.Durability;
import dev.gaur.block.StorageNode;
import dev.gaur.block.ZeroMode;
import dev.gaur.ffi.Posix;
import dev.gaur.storage.StorageOptions;
import dev.gaur.testkit.GrowingStorageContract;
import dev.gaur.testkit.TestBytes;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A file that is written with O_DIRECT keeps the contract of storage: any range, any memory. */
class DirectStorageTest extends GrowingStorageContract {
    private static final long SEED = Long.getLong("gaur.seed", 20261126L);
    private static final StorageOptions DIRECT = StorageOptions.WRITE.withDirect(true);

    @TempDir Path folder = Path.of("");
    private int files;

    private Path file() {
        return folder.resolve("file" + files++);
    }

    @Override
    protected StorageNode storage(long length) {
        return FileDriver.fast().create(file().toString(), length, DIRECT);
    }

    @Test
    void whatIsWrittenIsNotInThePageCache() throws IOException {
        Path file = file();
        try (StorageNode storage = FileDriver.fast().create(file.toString(), 0, DIRECT)) {
            assertTrue(storage.writable());
            assertTrue((NativeStorageTest.flags(file) & Posix.O_DIRECT) != 0);
        }
    }

    /** Any range from any memory, against an array; the file ends where its last byte is. */
    @Test
    void writesOfAnyRangeFromAnyMemory() throws IOException {
        Random random = new Random(SEED);
        byte[] model = new byte[0];
        Path file = file();
        try (StorageNode storage = FileDriver.fast().create(file.toString(), 0, DIRECT);
                Arena arena = Arena.ofConfined()) {
            MemorySegment memory = arena.allocate(3 << 20, 4096);
            for (int round = 0; round < 300; round++) {
                int offset = random.nextInt(4 << 20) & (round % 3 == 0 ? -512 : -1);
                int length = random.nextInt(round % 7 == 0 ? 2 << 20 : 2000);
                length &= round % 2 == 0 ? -512 : -1;
                byte[] bytes = new byte[length];
                random.nextBytes(bytes);
                MemorySegment heap = MemorySegment.ofArray(bytes);
                MemorySegment source = heap;
                if (round % 5 != 0) {
                    source = memory.asSlice(round % 4 == 0 ? 16 : 0, length).copyFrom(heap);
                }
                if (offset + length > model.length && length > 0) {
                    model = Arrays.copyOf(model, offset + length);
                }
                if (round % 11 == 0 && length > 0) {
                    storage.zero(offset, length, ZeroMode.UNMAP, Durability.CACHED);
                    Arrays.fill(model, offset, offset + length, (byte) 0);
                } else {
                    storage.write(offset, source, Durability.CACHED);
                    System.arraycopy(bytes, 0, model, offset, length);
                }
                assertEquals(model.length, storage.length(), "seed " + SEED + ", " + round);
                assertEquals(model.length, Files.size(file), "seed " + SEED + ", " + round);
            }
            assertArrayEquals(model, TestBytes.read(storage, 0, model.length), "seed " + SEED);
        }
        assertArrayEquals(model, Files.readAllBytes(file), "seed " + SEED);
    }

    /** Who completes a block must not bring back what another thread has just replaced. */
    @Test
    void threadsThatShareBlocksLoseNothing() throws Exception {
        int threads = 8;
        int stripe = 100;
        int stripes = 64 * threads;
        Path file = file();
        try (StorageNode storage =
                FileDriver.fast().create(file.toString(), (long) stripe * stripes, DIRECT)) {
            List<Thread> all = new ArrayList<>();
            for (int t = 0; t < threads; t++) {
                int mine = t;
                Runnable work =
                        () -> {
                            for (int i = mine; i < stripes; i += threads) {
                                byte[] bytes = new byte[stripe];
                                Arrays.fill(bytes, (byte) (i + 1));
                                MemorySegment source = MemorySegment.ofArray(bytes);
                                storage.write((long) i * stripe, source, Durability.CACHED);
                            }
                        };
                all.add(Thread.ofPlatform().start(work));
            }
            for (Thread thread : all) {
                thread.join();
            }
        }
        byte[] content = Files.readAllBytes(file);
        for (int i = 0; i < content.length; i++) {
            assertEquals((byte) (i / stripe + 1), content[i], "at " + i);
        }
    }
}
