package dev.gaur.testkit;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gaur.block.BlockNode;
import dev.gaur.block.Durability;
import dev.gaur.block.StorageNode;
import dev.gaur.block.ZeroMode;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;

/**
 * What every {@link StorageNode} promises that can be written to. Those that grow have {@link
 * GrowingStorageContract}.
 */
public abstract class StorageContract extends BlockIoContract {
    private static final int SIZE = 300_000;
    private static final int ROUNDS = 300;

    /** Makes writable storage of {@code length} zero bytes. */
    protected abstract StorageNode storage(long length) throws Exception;

    @Override
    protected BlockNode nodeWith(byte[] content) throws Exception {
        StorageNode storage = storage(content.length);
        storage.write(0, MemorySegment.ofArray(content), Durability.CACHED);
        return storage;
    }

    @Test
    void newStorageIsAllZeros() throws Exception {
        try (StorageNode storage = storage(SIZE)) {
            assertTrue(storage.writable());
            assertArrayEquals(new byte[SIZE], TestBytes.read(storage, 0, SIZE));
        }
    }

    @Test
    void readsIntoAPartOfAnArrayAndLeavesTheRest() throws Exception {
        byte[] content = TestBytes.patchy(new Random(1), 3 << 20); // More than one transfer.
        try (StorageNode storage = storage(content.length)) {
            storage.write(0, MemorySegment.ofArray(content), Durability.CACHED);
            byte[] target = new byte[content.length];
            storage.read(11, target, 5, content.length - 20);

            byte[] expected = new byte[content.length];
            System.arraycopy(content, 11, expected, 5, content.length - 20);
            assertArrayEquals(expected, target);
        }
    }

    @Test
    void everyRequestDoesWhatItWouldToAnArray() throws Exception {
        long seed = Long.getLong("gaur.seed", 20261122L);
        Random random = new Random(seed);
        byte[] model = new byte[SIZE];
        try (StorageNode storage = storage(SIZE)) {
            for (int round = 0; round < ROUNDS; round++) {
                change(storage, model, random);
                if (round % 20 == 0) {
                    byte[] found = TestBytes.read(storage, 0, SIZE);
                    assertArrayEquals(model, found, "seed " + seed + " round " + round);
                }
            }
            assertArrayEquals(model, TestBytes.read(storage, 0, SIZE), "seed " + seed);
        }
    }

    private static void change(StorageNode storage, byte[] model, Random random) {
        int offset = random.nextInt(SIZE);
        int length = random.nextInt(SIZE - offset + 1) >>> random.nextInt(10);
        Durability durability = random.nextInt(20) == 0 ? Durability.STABLE : Durability.CACHED;
        switch (random.nextInt(5)) {
            case 0 -> {
                ZeroMode mode = random.nextBoolean() ? ZeroMode.KEEP : ZeroMode.UNMAP;
                storage.zero(offset, length, mode, durability);
                Arrays.fill(model, offset, offset + length, (byte) 0);
            }
            case 1 -> {
                storage.discard(offset, length);
                byte[] now = TestBytes.read(storage, offset, length); // The node's own choice.
                System.arraycopy(now, 0, model, offset, length);
            }
            default -> {
                byte[] bytes = TestBytes.patchy(random, length);
                write(storage, offset, bytes, durability, random.nextBoolean());
                System.arraycopy(bytes, 0, model, offset, length);
            }
        }
    }

    private static void write(
            StorageNode storage, long offset, byte[] bytes, Durability durability, boolean heap) {
        MemorySegment source = MemorySegment.ofArray(bytes);
        if (heap) {
            storage.write(offset, source.asReadOnly(), durability);
            return;
        }
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment copy = arena.allocate(Math.max(1, bytes.length));
            copy.copyFrom(source);
            storage.write(offset, copy.asSlice(0, bytes.length), durability);
        }
    }

    @Test
    void writesFromAnArrayOfLongs() throws Exception {
        try (StorageNode storage = storage(SIZE)) {
            storage.write(8, MemorySegment.ofArray(new long[] {-1, -1}), Durability.CACHED);
            byte[] expected = new byte[32];
            Arrays.fill(expected, 8, 24, (byte) -1);
            assertArrayEquals(expected, TestBytes.read(storage, 0, 32));
        }
    }
}
