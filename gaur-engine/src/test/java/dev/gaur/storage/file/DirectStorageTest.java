package dev.gaur.storage.file;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gaur.block.BlockException;
import dev.gaur.block.Durability;
import dev.gaur.block.PendingRequest;
import dev.gaur.block.StorageNode;
import dev.gaur.block.ZeroMode;
import dev.gaur.ffi.Posix;
import dev.gaur.storage.StorageOptions;
import dev.gaur.sync.Gate;
import dev.gaur.testkit.GrowingStorageContract;
import dev.gaur.testkit.TestBytes;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A file that is written with O_DIRECT keeps the contract of storage: any range, any memory. */
class DirectStorageTest extends GrowingStorageContract {
    private static final long SEED = Long.getLong("gaur.seed", 20261126L);
    private static final StorageOptions DIRECT = StorageOptions.WRITE.withDirect(true);

    private static final int BLOCK = 4096;

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

    private StorageNode filled(byte[] content) {
        StorageNode storage = FileDriver.fast().create(file().toString(), 0, DIRECT);
        storage.write(0, MemorySegment.ofArray(content), Durability.CACHED);
        return storage;
    }

    /** More than may be under way, finished in any order, by several threads at once. */
    @Test
    void readsGoOnWhileOthersAreBegun() throws Exception {
        byte[] content = TestBytes.patchy(new Random(SEED), 8 << 20);
        AtomicInteger begun = new AtomicInteger();
        try (StorageNode storage = filled(content);
                ExecutorService threads = Executors.newFixedThreadPool(3)) {
            List<Future<?>> all = new ArrayList<>();
            for (int i = 0; i < 3; i++) {
                Random random = new Random(SEED + i);
                all.add(threads.submit(() -> begun.addAndGet(readSome(storage, content, random))));
            }
            for (Future<?> each : all) {
                each.get();
            }
        }
        assertTrue(begun.get() > 1000, begun + " begun, seed " + SEED);
    }

    private static int readSome(StorageNode storage, byte[] content, Random random) {
        int count = 0;
        try (Arena arena = Arena.ofShared()) {
            for (int round = 0; round < 20; round++) {
                List<Runnable> ends = new ArrayList<>();
                for (int i = 0; i < 150; i++) {
                    int size = 512 * (1 + random.nextInt(16));
                    int offset = random.nextInt((content.length - size) / 512) * 512;
                    MemorySegment target = arena.allocate(size, 4096);
                    PendingRequest read = storage.beginRead(offset, target);
                    if (read != null) {
                        ends.add(() -> assertRead(read, target, content, offset));
                    }
                }
                count += ends.size();
                Collections.shuffle(ends, random);
                ends.forEach(Runnable::run);
            }
        }
        return count;
    }

    private static void assertRead(
            PendingRequest read, MemorySegment target, byte[] content, int offset) {
        if (offset % 1024 == 0) { // Others wait at once.
            while (!read.isDone()) {
                Thread.onSpinWait();
            }
        }
        read.finish();
        int end = offset + (int) target.byteSize();
        assertArrayEquals(Arrays.copyOfRange(content, offset, end), target.toArray(JAVA_BYTE));
    }

    @Test
    void onlyWholeBlocksWithinTheFileAreBegun() {
        try (StorageNode storage = filled(new byte[10_000]);
                Arena arena = Arena.ofConfined()) {
            MemorySegment memory = arena.allocate(8192, 4096);
            assertNull(storage.beginRead(100, memory.asSlice(0, 4096)));
            assertNull(storage.beginRead(0, memory.asSlice(0, 1000)));
            assertNull(storage.beginRead(0, memory.asSlice(8, 4096)));
            assertNull(storage.beginRead(0, MemorySegment.ofArray(new byte[4096])));
            assertNull(storage.beginRead(0, memory.asSlice(0, 0)));
            assertNull(storage.beginRead(8192, memory.asSlice(0, 4096)));
        }
    }

    /** Several threads, each with blocks of its own; now and then one writes a part of a block. */
    @Test
    void writesGoOnWhileOthersAreBegun() throws Exception {
        byte[] model = new byte[6 << 20];
        AtomicInteger begun = new AtomicInteger();
        try (StorageNode storage = filled(model);
                ExecutorService threads = Executors.newFixedThreadPool(3)) {
            List<Future<?>> all = new ArrayList<>();
            for (int i = 0; i < 3; i++) {
                int number = i;
                all.add(threads.submit(() -> begun.addAndGet(writeSome(storage, model, number))));
            }
            for (Future<?> each : all) {
                each.get();
            }
            assertArrayEquals(model, TestBytes.readArray(storage, 0, model.length));
        }
        assertTrue(begun.get() > 100, begun + " begun, seed " + SEED);
    }

    private static int writeSome(StorageNode storage, byte[] model, int number) {
        Random random = new Random(SEED + number);
        int count = 0;
        int blocks = model.length / BLOCK / 3;
        try (Arena arena = Arena.ofShared()) {
            for (int round = 0; round < 20; round++) {
                List<Runnable> ends = new ArrayList<>();
                for (int i = random.nextInt(8); i < blocks; i += 1 + random.nextInt(8)) {
                    int offset = (3 * i + number) * BLOCK;
                    MemorySegment source =
                            arena.allocate(BLOCK, BLOCK).fill((byte) random.nextInt());
                    PendingRequest write = storage.beginWrite(offset, source);
                    if (write != null) {
                        Arrays.fill(model, offset, offset + BLOCK, source.get(JAVA_BYTE, 0));
                        ends.add(write::finish);
                    }
                }
                count += ends.size();
                Collections.shuffle(ends, random);
                ends.forEach(Runnable::run);
                int part = (3 * random.nextInt(blocks) + number) * BLOCK + 100;
                byte[] bytes = {1, 2, 3};
                storage.write(part, MemorySegment.ofArray(bytes), Durability.CACHED);
                System.arraycopy(bytes, 0, model, part, bytes.length);
            }
        }
        return count;
    }

    /** Who completes a block must not bring back what a write beside it replaces. */
    @Test
    void whoWritesAPartOfABlockWaitsForWritesUnderWay() throws Exception {
        byte[] content = new byte[2 * BLOCK];
        try (StorageNode storage = filled(content);
                Arena arena = Arena.ofConfined()) {
            MemorySegment source = arena.allocate(BLOCK, BLOCK).fill((byte) 7);
            PendingRequest write = Objects.requireNonNull(storage.beginWrite(0, source));
            MemorySegment three = MemorySegment.ofArray(new byte[] {1, 2, 3});
            Thread other =
                    Thread.ofPlatform()
                            .daemon()
                            .start(() -> storage.write(100, three, Durability.CACHED));
            while (other.isAlive() && other.getState() != Thread.State.WAITING) {
                Thread.onSpinWait();
            }
            assertTrue(other.isAlive());
            assertNull(storage.beginWrite(BLOCK, source), "or it would wait for ever");
            write.finish();
            other.join();
            Arrays.fill(content, 0, BLOCK, (byte) 7);
            System.arraycopy(new byte[] {1, 2, 3}, 0, content, 100, 3);
            assertArrayEquals(content, TestBytes.readArray(storage, 0, content.length));
            Objects.requireNonNull(storage.beginWrite(BLOCK, source)).finish();
        }
    }

    @Test
    void onlyWholeLargeBlocksWithinTheFileAreWrittenSo() {
        StorageNode closed;
        try (StorageNode storage = filled(new byte[10_000]);
                Arena arena = Arena.ofConfined()) {
            closed = storage;
            MemorySegment memory = arena.allocate(8192, 4096);
            assertNull(storage.beginWrite(512, memory.asSlice(0, 4096)));
            assertNull(storage.beginWrite(0, memory.asSlice(0, 512)));
            assertNull(storage.beginWrite(0, memory.asSlice(512, 4096)));
            assertNull(storage.beginWrite(0, MemorySegment.ofArray(new byte[4096])));
            assertNull(storage.beginWrite(0, memory.asSlice(0, 0)));
            assertNull(storage.beginWrite(8192, memory.asSlice(0, 4096)));
            storage.resize(BLOCK); // Nothing is held.
            Objects.requireNonNull(storage.beginWrite(0, memory.asSlice(0, 4096))).finish();
        }
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment memory = arena.allocate(BLOCK, BLOCK);
            assertThrows(BlockException.class, () -> closed.beginWrite(0, memory));
        }
    }

    /** That thread may wait for writes that were begun. */
    @Test
    void whoBeginsTheFirstDoesNotWaitForWhoChangesTheLength() throws Exception {
        try (StorageNode storage = filled(new byte[BLOCK]);
                Arena arena = Arena.ofShared()) {
            MemorySegment source = arena.allocate(BLOCK, BLOCK);
            AtomicReference<PendingRequest> write = new AtomicReference<>();
            Thread other;
            synchronized (storage) { // As who changes the length has it.
                other =
                        Thread.ofPlatform()
                                .daemon()
                                .start(() -> write.set(storage.beginWrite(0, source)));
                assertTrue(other.join(Duration.ofMinutes(1)), "it waits");
            }
            Objects.requireNonNull(write.get()).finish();
        }
    }

    @Test
    void aFileThatIsReadOnlyBeginsNoWrite() {
        Path path = file();
        FileDriver.fast().create(path.toString(), BLOCK, DIRECT).close();
        StorageOptions options = StorageOptions.READ.withDirect(true);
        try (StorageNode storage = FileDriver.fast().open(path.toString(), options);
                Arena arena = Arena.ofConfined()) {
            MemorySegment memory = arena.allocate(BLOCK, BLOCK);
            assertThrows(BlockException.Denied.class, () -> storage.beginWrite(0, memory));
        }
    }

    /** What the system does not take is tried in the way that tells what is wrong, and ends. */
    @Test
    void aWriteThatFailsTellsWhere() {
        AtomicLong length = new AtomicLong(1 << 20);
        DirectIo direct = new DirectIo("no file", -1, length, false);
        Gate gate = new Gate();
        try (Arena arena = Arena.ofConfined();
                AioRequests requests = new AioRequests(-1, direct, gate)) {
            MemorySegment source = arena.allocate(BLOCK, BLOCK);
            long stamp = direct.tryBegin(8192, source);
            PendingRequest write = requests.beginWrite(8192, source, gate.enter(), stamp);
            BlockException failure =
                    assertThrows(BlockException.class, Objects.requireNonNull(write)::finish);
            assertTrue(failure.getMessage().contains("0x2000"), failure.getMessage());
            assertEquals(5, direct.alone(() -> 5), "nobody holds it");
            assertTrue(gate.close());
        }
    }

    /** The file was cut by somebody else: as for any read, and the memory is given back. */
    @Test
    void aReadThatFailsTellsWhere() throws IOException {
        Path file = file();
        try (StorageNode storage = FileDriver.fast().create(file.toString(), 1 << 20, DIRECT);
                Arena arena = Arena.ofConfined()) {
            try (FileChannel other = FileChannel.open(file, StandardOpenOption.WRITE)) {
                other.truncate(4096);
            }
            PendingRequest read =
                    Objects.requireNonNull(storage.beginRead(8192, arena.allocate(4096, 4096)));
            BlockException failure = assertThrows(BlockException.class, read::finish);
            assertTrue(failure.getMessage().contains("0x2000"), failure.getMessage());
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
